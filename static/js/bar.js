/** The bar that stays in view: recipe, background, progress of all pictures, and their download. */

import { Pace } from "./pace.js";
import { text } from "./text.js";

export class Bar {
  #root;
  #panel;
  #recipes;
  #pace = new Pace();
  #settled = new Set(); // pictures
  #notice = ""; // instead of the progress

  /** `panel`: the OptionsPanel, `recipes`: the Recipes that the bar's controls are short forms of. */
  constructor(root, panel, recipes) {
    this.#root = root;
    this.#panel = panel;
    this.#recipes = recipes;
    this.#recipeField.addEventListener("change", ({ target }) => {
      recipes.take(target.value);
      this.#drawRecipes(); // own settings are no recipe that could be taken
    });
    this.#backgroundField.addEventListener("change", ({ target }) => {
      panel.background = target.value;
      this.#drawBackground(); // as it was, while a picture is still to be chosen
    });
    this.#colourField.addEventListener("input", ({ target }) => {
      panel.colour = target.value;
    });
    recipes.addEventListener("change", () => this.#drawRecipes());
    panel.addEventListener("change", () => this.#drawBackground());
    this.#drawRecipes();
    this.#drawBackground();
  }

  /** Show how far all pictures are. */
  draw(pictures) {
    const ready = pictures.filter(isReady).length;
    const failed = pictures.filter(({ state }) => ["failed", "cancelled"].includes(state)).length;
    const underWay = pictures.filter(isUnderWay).length;
    this.#measure(pictures, underWay);
    this.#drawProgress(pictures.length, ready, failed, underWay);
    const download = this.#part("#download-all");
    download.disabled = !ready && !underWay;
    download.textContent = text(pictures.length > 1 ? "downloadAll" : "download");
    const hopeful = pictures.filter(({ state, isHopeless }) => state === "failed" && !isHopeless);
    this.#part("#retry-all").hidden = hopeful.length < 2;
  }

  /** Say something instead of the progress; "" ends it. */
  say(sentence) {
    this.#notice = sentence;
    this.#part(".bar-count").textContent = sentence;
  }

  /** Whether a download waits for the rest. */
  set isWaiting(isWaiting) {
    this.#part("#stop-waiting").hidden = !isWaiting;
  }

  #measure(pictures, underWay) {
    const settled = new Set(pictures.filter((picture) => picture.settled));
    const hasEnded = [...settled].some((picture) => !this.#settled.has(picture));
    this.#settled = settled;
    this.#pace.note(underWay, hasEnded);
  }

  #drawProgress(count, ready, failed, underWay) {
    const bar = this.#part("progress");
    Object.assign(bar, { max: Math.max(1, count), value: ready + failed });
    bar.hidden = !underWay;
    if (!this.#notice) this.#part(".bar-count").textContent = this.#sentence(count, ready, failed, underWay);
  }

  #sentence(count, ready, failed, underWay) {
    if (!underWay && failed) return text("bar.failed", { ready, count, failed });
    if (!underWay) return text("bar.ready", { ready, count });
    const done = ready + failed;
    const seconds = this.#pace.secondsFor(underWay);
    if (seconds === null) return text("bar.progress", { done, count });
    if (seconds < 50) return text("bar.progressSoon", { done, count });
    return text("bar.progressMinutes", { done, count, minutes: Math.ceil(seconds / 60) });
  }

  #drawRecipes() {
    const choices = this.#recipes.choices.map(({ value, title }) => new Option(title, value));
    this.#recipeField.replaceChildren(...choices);
    this.#recipeField.value = this.#recipes.value;
  }

  #drawBackground() {
    const { kind } = this.#panel;
    this.#backgroundField.value = kind;
    this.#colourField.hidden = kind !== "colour";
    this.#colourField.value = this.#panel.colour;
  }

  get #recipeField() {
    return this.#part("[name=bar-recipe]");
  }

  get #backgroundField() {
    return this.#part("[name=bar-background]");
  }

  get #colourField() {
    return this.#part("[name=bar-colour]");
  }

  #part(selector) {
    return this.#root.querySelector(selector);
  }
}

/** Done, or kept on the server from the last visit. */
export function isReady({ state }) {
  return ["done", "stored"].includes(state);
}

/** Being worked on, or about to be by itself; not what waits for the next hour. */
export function isUnderWay({ state, isHeld }) {
  return !isHeld && ["waiting", "reading", "uploading", "processing"].includes(state);
}
