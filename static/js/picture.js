/** One picture on the page: its file, where it stands, and what came back. */

import { release, toCanvas } from "./pixels/canvas.js";
import { restore } from "./pixels/delta_png.js";
import { previewOf, readAgain, readOriginal } from "./pixels/original.js";
import { decodePng, encodePng } from "./pixels/png.js";
import { foregroundBox } from "./pixels/render.js";
import { RemovalFailure, post } from "./request.js";
import { text } from "./text.js";

const BUSY_RETRIES = 5;
const LONGEST_BUSY_WAIT_S = 15;

/**
 * States: waiting -> reading -> uploading -> processing -> done | failed | cancelled; failed and
 * cancelled go back to waiting by `reset`. Every change is told by a "change" event.
 *
 * Between uses only compressed bytes are kept (the delta and what it applies to, or a PNG), so that
 * many pictures fit into a tab; `cutout()` makes the pixels anew.
 */
export class Picture extends EventTarget {
  state = "waiting";
  share = 0; // of the upload, 0 to 1
  busy = false; // the server asked us to wait
  message = ""; // why it failed
  before = null; // small Blob of the original, null where the browser can't read it
  after = null; // small Blob of the cut-out
  size = null; // [width, height] of the cut-out
  foreground = null; // box, see pixels/geometry.js
  #link;
  #upload = null;
  #delta = null; // Blob, applies to #upload
  #png = null; // Blob, a complete cut-out: what the server sent, or the touched-up one
  #abort = new AbortController();

  /** source: a File, or the address of a picture that the server shall fetch. */
  constructor(source) {
    super();
    this.file = source instanceof File ? source : null;
    this.#link = this.file ? "" : source;
    this.name = (this.file ? this.file.name : lastPart(source)) || "photo.png";
  }

  get stem() {
    return this.name.replace(/\.[^.]+$/, "") || this.name;
  }

  get settled() {
    return ["done", "failed", "cancelled"].includes(this.state);
  }

  get hasOriginal() {
    return this.#delta !== null;
  }

  /** Send it and wait for the cut-out; ends in done, failed or cancelled, and never rejects. */
  async remove({ url, csrfToken, maxPixels, maxBytes }) {
    if (this.settled) return;
    try {
      this.#change("reading");
      const original = await this.#read(maxPixels);
      this.before = original.preview;
      if (original.upload?.size > maxBytes) throw tooManyBytes(maxBytes);
      const fields = this.#fields(original);
      const answer = await this.#patiently(() => this.#send(url, fields, csrfToken));
      await this.#take(answer.blob, original);
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
    Object.assign(this, { share: 0, busy: false, message: "", after: null });
    this.#change("waiting");
  }

  /** The cut-out at full size: straight RGBA {width, height, data}. */
  async cutout() {
    if (this.#png) return decodePng(await bytesOf(this.#png));
    return restore(await bytesOf(this.#delta), await this.original());
  }

  /** The original's pixels at the cut-out's size; only where `hasOriginal`. */
  original() {
    return readAgain(this.#upload);
  }

  /** Take a touched-up cut-out in place of the one that came. */
  async replace(cutout) {
    this.#png = await encodePng({ ...cutout, channels: 4 });
    await this.#show(cutout);
    this.#change("done");
  }

  /** What can be known without the server; of a link, nothing. */
  #read(maxPixels) {
    if (this.file) return readOriginal(this.file, maxPixels);
    return { preview: null, pixels: null, upload: null };
  }

  #fields({ upload, pixels }) {
    if (this.#link) return { "image.url": this.#link, "output.format": "png" };
    return {
      image: new File([upload], this.name, { type: upload.type }),
      "output.format": pixels ? "delta_png" : "png",
    };
  }

  async #take(blob, { pixels, upload }) {
    this.#throwIfCancelled();
    if (pixels) {
      [this.#delta, this.#upload, this.#png] = [blob, upload, null];
      await this.#show(await restore(await bytesOf(blob), pixels));
    } else {
      this.#png = blob;
      await this.#show(await decodePng(await bytesOf(blob)));
    }
    this.#throwIfCancelled();
  }

  async #show(cutout) {
    this.size = [cutout.width, cutout.height];
    this.foreground = foregroundBox(cutout);
    const canvas = toCanvas(cutout);
    this.after = await previewOf(canvas);
    release(canvas);
  }

  #throwIfCancelled() {
    this.#abort.signal.throwIfAborted();
  }

  #send(url, fields, csrfToken) {
    this.#throwIfCancelled();
    this.busy = false;
    this.#change("uploading");
    const onUpload = (share) => this.#uploaded(share);
    return post(url, fields, { csrfToken, signal: this.#abort.signal, onUpload });
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

function tooManyBytes(maxBytes) {
  const megabytes = Math.floor(maxBytes / 2 ** 20);
  return new RemovalFailure(text("error.tooManyBytes", { megabytes }));
}

function lastPart(address) {
  return new URL(address).pathname.split("/").pop();
}

async function bytesOf(blob) {
  return new Uint8Array(await blob.arrayBuffer());
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
