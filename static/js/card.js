/** A picture as a card: preview, progress, slider, and the buttons that fit its state. */

import { Compare } from "./compare.js";
import { GeometryError, layout } from "./pixels/geometry.js";
import { resolvedFormat } from "./pixels/render.js";
import { inCredits } from "./price.js";
import { text } from "./text.js";

const template = document.getElementById("card-template");
const ACTIONS = {
  waiting: ["cancel"],
  priced: ["discard"],
  stored: ["discard", "view"],
  reading: ["cancel"],
  uploading: ["cancel"],
  processing: ["cancel"],
  done: ["download", "copy", "touch-up", "discard", "view"],
  failed: ["retry", "discard"],
  cancelled: ["retry", "discard"],
};
const CAN_COPY = "ClipboardItem" in window && Boolean(navigator.clipboard?.write);
const PATIENT_SECONDS = 5; // without an answer, before the elapsed time is shown
let cards = 0;

/** The geometry of a finished picture under the options; throws GeometryError. */
export function placedBy(options, picture) {
  return layout(picture.size, picture.foreground, { ...options, format: resolvedFormat(options) });
}

export class Card {
  #picture;
  #compare;
  #options;
  #offer;
  #drawn = ""; // the state that is shown
  #shown = { before: null, after: null };
  #sent = 0; // when the server had all of it, in milliseconds
  #clock = 0;
  #turn = 0; // counts the shadows that were asked for

  /**
   * `on` has a function for each button's data-action, called with the picture, "view" among them;
   * `offer(picture)` returns the price of full resolution.
   */
  constructor(picture, options, on, offer) {
    this.#picture = picture;
    this.#options = options;
    this.#offer = offer;
    this.root = document.importNode(template.content, true).firstElementChild;
    this.#compare = new Compare(this.#part(".compare"), () => on.view(picture));
    this.#label();
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => on[button.dataset.action](picture));
    }
    this.#part(".stage").addEventListener("click", ({ target }) => {
      const isFree = !target.closest("button, input") && ACTIONS[picture.state].includes("view");
      if (isFree) on.view(picture); // the slider tells its clicks itself
    });
    picture.addEventListener("change", () => this.#draw());
    this.#draw();
  }

  /** Show the result under other options. */
  setOptions(options) {
    this.#options = options;
    if (this.#picture.state === "done") this.#place();
  }

  remove() {
    clearInterval(this.#clock);
    this.#compare.release();
    this.root.remove();
  }

  #label() {
    cards += 1;
    const name = this.#part(".card-name");
    name.id = `card-name-${cards}`;
    name.textContent = name.title = this.#picture.name;
    this.#part("article").setAttribute("aria-labelledby", name.id);
  }

  #draw() {
    const { state } = this.#picture;
    this.root.dataset.state = state;
    this.#drawProgress();
    this.#drawBefore();
    if (state === "done") this.#drawAfter();
    if (this.#drawn === state) return;
    this.#drawn = state;
    for (const button of this.root.querySelectorAll("[data-action]")) {
      const { action } = button.dataset;
      button.hidden = !this.#offers(action);
    }
    this.#drawError();
    if (state === "waiting") this.#startAnew();
  }

  #offers(action) {
    const { state, isHopeless } = this.#picture;
    if (action === "copy" && !CAN_COPY) return false;
    if (action === "retry" && isHopeless) return false;
    return ACTIONS[state].includes(action);
  }

  #drawProgress() {
    const { state, share, busy, isHeld } = this.#picture;
    const bar = this.#part(".progress");
    const percent = Math.round(share * 100);
    if (state === "uploading") bar.value = percent;
    else bar.removeAttribute("value");
    bar.hidden = ["waiting", "priced"].includes(state); // nothing moves for it yet
    const seconds = this.#secondsOfSilence(state);
    const waiting = isHeld ? "held" : busy ? "busy" : state;
    const key = seconds >= PATIENT_SECONDS ? "patience" : state === "waiting" ? waiting : state;
    const line = this.#picture.settled ? "" : text(key, { percent, seconds, price: this.#price() });
    this.#part(".status-line").textContent = line;
  }

  /** Shows the waiting time, as pictures may wait for a busy server for up to two minutes. */
  #secondsOfSilence(state) {
    if (state !== "processing") {
      clearInterval(this.#clock);
      this.#clock = 0;
      return 0;
    }
    if (!this.#clock) {
      this.#sent = performance.now();
      this.#clock = setInterval(() => this.#drawProgress(), 1000);
    }
    return Math.floor((performance.now() - this.#sent) / 1000);
  }

  #price() {
    const { amount, isExact } = this.#offer(this.#picture);
    return text(isExact ? "price" : "priceAtMost", { credits: inCredits(amount) });
  }

  #drawError() {
    const { state, name, message, status } = this.#picture;
    this.#part(".error-help").hidden = state !== "failed" || status !== 402;
    const line = this.#part(".error-line");
    line.hidden = !["failed", "cancelled"].includes(state);
    this.#part(".error-name").textContent = line.hidden ? "" : `${name}: `; // for those who hear it alone
    this.#part(".error-text").textContent = state === "cancelled" ? text("cancelled") : message;
  }

  async #drawBefore() {
    const { before, name, settled, isUnreadable } = this.#picture;
    this.#part(".no-preview").hidden = !isUnreadable || settled;
    if (!before || this.#shown.before === before) return;
    this.#shown.before = before;
    await this.#compare.showBefore(before, text("alt.before", { name }));
    if (this.#picture.state === "done") this.#place();
  }

  async #drawAfter() {
    const { after, before, name } = this.#picture;
    if (this.#shown.after === after) return;
    this.#shown.after = after;
    this.#place();
    await this.#compare.showAfter(after, text("alt.after", { name }), before !== null);
  }

  #place() {
    const size = this.#part(".card-size");
    try {
      const placed = placedBy(this.#options, this.#picture);
      const [width, height] = placed.canvas;
      this.#compare.frames.place(this.#picture.size, placed);
      this.#compare.frames.setBackground(this.#options.background);
      this.#placeShadow(placed);
      size.textContent = this.#about(width, height);
    } catch (error) {
      if (!(error instanceof GeometryError)) throw error;
      size.textContent = text(error.key);
    }
  }

  /** Made from the whole cut-out, so it comes a moment later; told where there is none to keep. */
  async #placeShadow(placed) {
    this.#turn += 1;
    const turn = this.#turn;
    const { shadow, shadowOpacity } = this.#options;
    const shows = resolvedFormat(this.#options) !== "mask";
    const cast = shows ? await this.#picture.cast(shadow).catch(() => null) : null;
    if (turn !== this.#turn) return; // others are asked for since
    this.#compare.frames.setShadow(cast, shadowOpacity, placed);
    this.#part(".card-shadow").hidden = !shows || shadow !== "natural" || Boolean(cast);
  }

  #about(width, height) {
    const { charged, foreground, isFull, own } = this.#picture;
    const facts = this.#sizes(width, height);
    if (Object.keys(own).length) facts.push(text("ownOptions"));
    if (!foreground.width) facts.push(text("nothingFound"));
    if (isFull || charged) facts.push(text("charged", { credits: inCredits(charged) }));
    return facts.join(" · ");
  }

  /** Of the result; and of the cut-out and its photo, where it has fewer pixels than that. */
  #sizes(width, height) {
    const { original, size } = this.#picture;
    const result = text("size", { width, height });
    if (!original || size[0] * size[1] >= original[0] * original[1]) return [result];
    const [[w, h], [fullWidth, fullHeight]] = [size, original];
    const reduced = text("reduced", { width: w, height: h, fullWidth, fullHeight });
    return w === width && h === height ? [reduced] : [result, reduced];
  }

  #startAnew() {
    this.#shown = { before: null, after: null };
    this.#compare.reset();
  }

  #part(selector) {
    return this.root.querySelector(selector);
  }
}
