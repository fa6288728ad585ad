/** A picture as a card: preview, progress, slider, and the buttons that fit its state. */

import { Compare } from "./compare.js";
import { text } from "./text.js";

const template = document.getElementById("card-template");
const ACTIONS = {
  waiting: ["cancel"],
  uploading: ["cancel"],
  processing: ["cancel"],
  done: ["download", "discard"],
  failed: ["retry", "discard"],
  cancelled: ["retry", "discard"],
};
let cards = 0;

export class Card {
  #picture;
  #compare;
  #downloadUrl = "";
  #hasBefore = null; // promise of whether the browser can show the original

  /** `on` holds what the buttons do: {cancel, retry, discard}, each called with the picture. */
  constructor(picture, on) {
    this.#picture = picture;
    this.root = document.importNode(template.content, true).firstElementChild;
    this.#compare = new Compare(this.#part(".compare"));
    this.#label();
    for (const name of ["cancel", "retry", "discard"]) {
      this.#action(name).addEventListener("click", () => on[name](picture));
    }
    picture.addEventListener("change", () => this.#draw());
    this.#hasBefore = this.#showBefore();
    this.#draw();
  }

  remove() {
    this.#compare.release();
    URL.revokeObjectURL(this.#downloadUrl);
    this.root.remove();
  }

  focus() {
    this.#part("button:not([hidden]), a:not([hidden])")?.focus();
  }

  #label() {
    cards += 1;
    const name = this.#part(".card-name");
    name.id = `card-name-${cards}`;
    name.textContent = name.title = this.#picture.name;
    this.#part("article").setAttribute("aria-labelledby", name.id);
  }

  async #showBefore() {
    const { file, name } = this.#picture;
    const shown = await this.#compare.showBefore(file, text("alt.before", { name }));
    this.#part(".no-preview").hidden = shown || this.#picture.settled;
    return shown;
  }

  #draw() {
    const { state } = this.#picture;
    const entered = this.root.dataset.drawn !== state;
    this.root.dataset.state = this.root.dataset.drawn = state;
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.hidden = !ACTIONS[state].includes(button.dataset.action);
    }
    this.#drawProgress();
    if (!entered) return;
    this.#drawError();
    if (this.#picture.settled) this.#part(".no-preview").hidden = true;
    if (state === "done") this.#drawResult();
    if (state === "waiting") this.#compare.reset();
  }

  #drawProgress() {
    const { state, share, busy } = this.#picture;
    const bar = this.#part(".progress");
    const percent = Math.round(share * 100);
    if (state === "uploading") bar.value = percent;
    else bar.removeAttribute("value");
    const key = state === "waiting" && busy ? "busy" : state;
    const spoken = ["waiting", "busy", "uploading", "processing"].includes(key);
    this.#part(".status-line").textContent = spoken ? text(key, { percent }) : "";
  }

  #drawError() {
    const { state, message } = this.#picture;
    const line = this.#part(".error-line");
    line.hidden = !["failed", "cancelled"].includes(state);
    line.textContent = state === "cancelled" ? text("cancelled") : message;
  }

  async #drawResult() {
    const { name, stem, result } = this.#picture;
    URL.revokeObjectURL(this.#downloadUrl);
    this.#downloadUrl = URL.createObjectURL(result.blob);
    const link = this.#action("download");
    link.href = this.#downloadUrl;
    link.download = `${text("downloadName", { name: stem })}.png`;
    this.#part(".card-size").textContent = text("size", result);
    await this.#compare.showAfter(result.blob, text("alt.after", { name }), await this.#hasBefore);
  }

  #action(name) {
    return this.#part(`[data-action="${name}"]`);
  }

  #part(selector) {
    return this.root.querySelector(selector);
  }
}
