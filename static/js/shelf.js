/** What the server keeps of this browser's pictures, for whoever comes back to the page. */

import { RemovalFailure, failureOf } from "./request.js";
import { text } from "./text.js";

const POLL_MS = 1500;
const PATIENCE = 4; // polls until a picture that was sent has to be known

export class Shelf {
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

  /** How a picture fares that was under way: resolves once it is done or failed. */
  async settled(id) {
    for (let poll = 1; ; poll += 1) {
      const told = await this.#told(id, poll < PATIENCE);
      if (told.state !== "working") return told;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #told(id, isPatient) {
    try {
      return await (await this.#ask("GET", `/${id}`)).json();
    } catch (error) {
      if (isPatient && error.status === 404) return { state: "working" };
      throw error;
    }
  }

  /** Keep a touched-up cut-out (a PNG) beside the result. */
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
