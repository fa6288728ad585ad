/** Access to the visitor's pictures stored on the server. */

import { RemovalFailure, failureOf } from "./request.js";
import { text } from "./text.js";

const POLL_MS = 1500;
const PATIENCE = 4; // polls until a picture that was sent must be known

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

  forget(id) {
    return this.#ask("DELETE", `/${id}`);
  }

  forgetAll() {
    return this.#ask("DELETE", "");
  }

  async #ask(method, path, body) {
    const headers = { "X-CSRFToken": this.#csrfToken };
    const answer = await fetch(this.#url + path, { method, headers, body }).catch(() => null);
    if (!answer) throw new RemovalFailure(text("error.offline"));
    if (answer.status === 404) throw new RemovalFailure(text("error.gone"), { status: 404 });
    if (!answer.ok) throw await failureOf(answer.status, answer.headers, () => answer.text());
    return answer;
  }
}
