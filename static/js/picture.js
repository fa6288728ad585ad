/** One picture on the page: its file, where it stands, and what came back. */

import { RemovalFailure, post } from "./request.js";
import { text } from "./text.js";

const BUSY_RETRIES = 5;
const LONGEST_BUSY_WAIT_S = 15;

/**
 * States: waiting -> uploading -> processing -> done | failed | cancelled; failed and cancelled
 * go back to waiting by `reset`. Every change is told by a "change" event.
 */
export class Picture extends EventTarget {
  state = "waiting";
  share = 0; // of the upload, 0 to 1
  busy = false; // the server asked us to wait
  message = ""; // why it failed
  result = null; // {blob, width, height}
  #abort = new AbortController();

  constructor(file) {
    super();
    this.file = file;
    this.name = file.name || "photo.png";
  }

  get stem() {
    return this.name.replace(/\.[^.]+$/, "") || this.name;
  }

  get settled() {
    return ["done", "failed", "cancelled"].includes(this.state);
  }

  /** Send it and wait for the cut-out; ends in done, failed or cancelled, and never rejects. */
  async remove(endpoint, csrfToken) {
    if (this.settled) return;
    try {
      const answer = await this.#patiently(() => this.#send(endpoint, csrfToken));
      const [width, height] = answer.header("X-Result-Size").split(" ").map(Number);
      this.result = { blob: answer.blob, width, height };
      this.#change("done");
    } catch (error) {
      this.#end(error);
    }
  }

  cancel() {
    if (this.settled) return;
    this.#abort.abort(new DOMException("cancelled", "AbortError"));
    this.#change("cancelled");
  }

  fail(message) {
    this.message = message;
    this.#change("failed");
  }

  reset() {
    this.#abort = new AbortController();
    Object.assign(this, { share: 0, busy: false, message: "", result: null });
    this.#change("waiting");
  }

  #send(endpoint, csrfToken) {
    this.busy = false;
    this.#change("uploading");
    return post(endpoint, { image: this.file }, {
      csrfToken,
      signal: this.#abort.signal,
      onUpload: (share) => this.#uploaded(share),
    });
  }

  #uploaded(share) {
    if (this.settled) return;
    this.share = share;
    this.#change(share < 1 ? "uploading" : "processing");
  }

  /** A server without a free place says when to come back; do so rather than bother the visitor. */
  async #patiently(send) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        const wait = error instanceof RemovalFailure ? error.retryAfter : 0;
        if (!wait || wait > LONGEST_BUSY_WAIT_S || attempt > BUSY_RETRIES) throw error;
        this.busy = true;
        this.#change("waiting");
        await pause(wait * 1000, this.#abort.signal);
      }
    }
  }

  #end(error) {
    if (this.state === "cancelled") return;
    if (!(error instanceof RemovalFailure)) console.error(error);
    this.fail(error instanceof RemovalFailure ? error.message : text("error.unexpected"));
  }

  #change(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
