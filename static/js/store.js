/** Access to the visitor's pictures stored on the server. */

import { decodePng } from "./pixels/png.js";
import { RemovalFailure, failureOf } from "./request.js";
import { text } from "./text.js";

const POLL_MS = 1500;
const PATIENCE = 4; // polls until a picture that was sent must be known
const ATTEMPTS = 5; // to have scribbles answered by a busy server
const LONGEST_WAIT_S = 10;

export class PictureStore {
  #url;
  #csrfToken;

  constructor(url, csrfToken) {
    this.#url = url;
    this.#csrfToken = csrfToken;
  }

  /** One file of a picture as a Blob: original, result or touched-up. */
  async file(id, kind) {
    return (await this.#ask("GET", `/${id}/${kind}`)).blob();
  }

  /** Wait for a picture in process: resolves to its report once it is done or failed. */
  async settled(id) {
    for (let poll = 1; ; poll += 1) {
      const report = await this.#report(id, poll < PATIENCE);
      if (report.state !== "working") return report;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #report(id, isPatient) {
    try {
      return await (await this.#ask("GET", `/${id}`)).json();
    } catch (error) {
      if (isPatient && error.status === 404) return { state: "working" };
      throw error;
    }
  }

  /** Store a touched-up cut-out (a PNG) beside the result. */
  keep(id, png) {
    return this.#ask("PUT", `/${id}/result`, png);
  }

  /** The small copy of picture and matte: straight RGBA {width, height, data}. */
  async workCopy(id) {
    return pixelsOf(await this.#ask("GET", `/${id}/work-copy`));
  }

  /** The small matte after all scribbles so far: grey {width, height, data}. */
  async matte(id, scribbles, signal) {
    return pixelsOf(await this.#patiently("POST", `/${id}/matte`, JSON.stringify(scribbles), signal));
  }

  /** What scribbles change of the cut-out: RGBA {left, top, width, height, data}. */
  async mended(id, scribbles, signal) {
    return pixelsOf(await this.#patiently("POST", `/${id}/mended`, JSON.stringify(scribbles), signal));
  }

  forget(id) {
    return this.#ask("DELETE", `/${id}`);
  }

  forgetAll() {
    return this.#ask("DELETE", "");
  }

  /** Ask again while the server has no free slot. */
  async #patiently(method, path, body, signal) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(method, path, body, signal);
      } catch (error) {
        if (!error.retryAfter || error.retryAfter > LONGEST_WAIT_S || attempt > ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
      }
    }
  }

  async #ask(method, path, body, signal) {
    const headers = { "X-CSRFToken": this.#csrfToken };
    const keepalive = method === "DELETE"; // also when the page is being left
    const answer = await fetch(this.#url + path, { method, headers, body, signal, keepalive }).catch(() => null);
    signal?.throwIfAborted();
    if (!answer) throw new RemovalFailure(text("error.offline"));
    if (answer.status === 404) throw new RemovalFailure(text("error.gone"), { status: 404 });
    if (!answer.ok) throw await failureOf(answer.status, answer.headers, () => answer.text());
    return answer;
  }
}

async function pixelsOf(answer) {
  return decodePng(new Uint8Array(await answer.arrayBuffer()));
}
