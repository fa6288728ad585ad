/** One result in a dialog of its own: every pixel, the original, options of its own, the next one. */

import { listenToPointers } from "./editor-pointers.js";
import { OptionsPanel } from "./options.js";
import { differing } from "./own-options.js";
import { GeometryError } from "./pixels/geometry.js";
import { movedTo, subjectOf } from "./placement.js";
import { text } from "./text.js";
import { Stage } from "./viewer-stage.js";

const STEP = 1.4; // zoom a click
const HOLD_MS = 250; // from then on a pointer that rests shows the original
const STILL = 5; // pixels that it may move
const NUDGE = { plain: 0.01, far: 0.05 }; // of the frame's width, a key
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Viewer {
  #dialog;
  #styled; // promise: its style sheet comes with it
  #box;
  #stage;
  #panel;
  #general;
  #recipes;
  #on;
  #picture = null;
  #hasOriginal = false;
  #drag = null; // of the subject: {from, at}, in pixels of the result
  #hold = null; // of a pointer that rests: {timer, x, y}

  /**
   * general: the OptionsPanel of all pictures, recipes: the Recipes.
   * on: {pictures(), optionsFor(picture), setOwn(picture, own), original(picture), closed(picture),
   * download(picture), touchUp(picture), showCode(options, picture)}.
   */
  constructor(template, general, recipes, on) {
    const parts = document.importNode(template.content, true);
    this.#dialog = parts.querySelector("dialog");
    this.#styled = new Promise((resolve) => {
      for (const kind of ["load", "error"]) parts.querySelector("link").addEventListener(kind, resolve);
    });
    document.body.append(parts);
    this.#box = this.#part("[data-role=view]");
    this.#stage = new Stage(this.#box);
    this.#panel = new OptionsPanel(this.#part(".viewer-options"));
    this.#general = general;
    this.#recipes = recipes;
    this.#on = on;
    this.#listen();
  }

  async open(picture) {
    await this.#styled;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#box.focus({ preventScroll: true });
    this.#show(picture);
  }

  /** There are more pictures to go to, or fewer. */
  refresh() {
    if (this.#picture) this.#drawEnds();
  }

  async #show(picture) {
    this.#picture = picture;
    this.#press("move", false);
    this.#showOriginal(false);
    this.#drawHead();
    this.#drawOptions();
    this.#stage.clear();
    this.#wait(picture.state === "done" ? "" : text("viewer.loading"));
    await picture.recall();
    if (picture !== this.#picture) return;
    this.#wait(picture.state === "done" ? "" : picture.message);
    if (picture.state === "done") await this.#load();
  }

  #wait(sentence) {
    const line = this.#part(".viewer-wait");
    line.hidden = !sentence;
    line.textContent = sentence;
  }

  async #load() {
    const picture = this.#picture;
    this.#hasOriginal = false;
    this.#button("original").disabled = true;
    const showing = this.#stage.show(picture, () => this.#on.original(picture));
    this.#place();
    this.#button("move").disabled = !this.#subject();
    const hasOriginal = await showing;
    if (picture !== this.#picture) return;
    this.#hasOriginal = hasOriginal;
    this.#button("original").disabled = !hasOriginal;
  }

  // What is shown

  #drawHead() {
    const { name } = this.#picture;
    this.#part("#viewer-title").textContent = name;
    this.#say(text("viewer.position", { name, ...this.#drawEnds() }));
  }

  #drawEnds() {
    const pictures = this.#on.pictures();
    const [number, count] = [pictures.indexOf(this.#picture) + 1, pictures.length];
    this.#button("previous").disabled = number <= 1;
    this.#button("next").disabled = number >= count;
    return { number, count };
  }

  #drawOptions() {
    this.#panel.show(this.#on.optionsFor(this.#picture));
    this.#drawOwn();
  }

  #drawOwn() {
    const options = this.#on.optionsFor(this.#picture);
    this.#button("reset").hidden = !Object.keys(this.#picture.own).length;
    const { recipe } = this.#part(".viewer-options").elements;
    recipe.replaceChildren(...this.#recipes.choices.map(({ value, title }) => new Option(title, value)));
    recipe.value = this.#recipes.valueOf(options);
  }

  /** Options that can't be met are told beside them. */
  #place() {
    if (this.#picture.state !== "done") return; // its options are kept until it has come
    try {
      const [width, height] = this.#stage.place(this.#on.optionsFor(this.#picture)).canvas;
      this.#part(".viewer-size").textContent = text("size", { width, height });
      this.#panel.complain("");
    } catch (error) {
      if (!(error instanceof GeometryError)) throw error;
      this.#panel.complain(text(error.key));
    }
  }

  #say(sentence) {
    this.#part(".viewer-said").textContent = sentence;
  }

  #showOriginal(isShown) {
    this.#stage.isOriginal = isShown && this.#hasOriginal;
    this.#press("original", isShown && this.#hasOriginal);
  }

  // What is done

  #listen() {
    const dialog = this.#dialog;
    for (const button of dialog.querySelectorAll("[data-view]")) {
      button.addEventListener("click", (event) => this.#actions()[button.dataset.view](event));
    }
    this.#listenToHold();
    listenToPointers(this.#box, this.#stage.view, this.#gestures());
    this.#box.addEventListener("dblclick", () => this.#toggleZoom());
    this.#box.addEventListener("zoom", () => this.#drawZoom());
    dialog.addEventListener("keydown", (event) => this.#keyDown(event));
    dialog.addEventListener("keyup", ({ key }) => key.toLowerCase() === "o" && this.#showOriginal(false));
    dialog.addEventListener("close", () => this.#closed());
    this.#panel.addEventListener("change", () => this.#setOwn(this.#panel.value));
    this.#part("[name=recipe]").addEventListener("input", (event) => {
      event.stopPropagation(); // it is none of the options, but sets them
      this.#recipes.take(event.target.value, this.#panel);
      this.#drawOwn(); // own settings are no recipe that could be taken
    });
  }

  #actions() {
    const { view } = this.#stage;
    const picture = this.#picture;
    return {
      close: () => this.#dialog.close(),
      previous: () => this.#go(-1),
      next: () => this.#go(1),
      in: () => view.zoomBy(STEP),
      out: () => view.zoomBy(1 / STEP),
      fit: () => view.fit(),
      actual: () => view.zoomBy(1 / view.zoom),
      original: ({ detail }) => detail || this.#showOriginal(!this.#isPressed("original")), // by key; else it is held
      move: () => this.#press("move", !this.#isPressed("move")),
      reset: () => this.#reset(),
      download: () => this.#on.download(picture),
      "touch-up": () => this.#touchUp(picture),
      code: () => this.#on.showCode(this.#on.optionsFor(picture), picture),
    };
  }

  async #touchUp(picture) {
    await this.#on.touchUp(picture);
    if (picture === this.#picture) this.#load();
  }

  #go(by) {
    const pictures = this.#on.pictures();
    const next = pictures[pictures.indexOf(this.#picture) + by];
    if (!next) return;
    this.#show(next);
    if (document.activeElement.disabled || document.activeElement === document.body) this.#box.focus();
  }

  #setOwn(options) {
    this.#on.setOwn(this.#picture, differing(options, this.#general.value));
    this.#drawOwn();
    this.#place();
  }

  #reset() {
    this.#on.setOwn(this.#picture, {});
    this.#drawOptions();
    this.#place();
    this.#box.focus({ preventScroll: true });
  }

  #closed() {
    const picture = this.#picture;
    this.#picture = null;
    this.#stage.clear();
    this.#on.closed(picture);
  }

  // The subject within its frame

  #subject() {
    try {
      return subjectOf(this.#on.optionsFor(this.#picture), this.#picture);
    } catch {
      return null; // the options can't be met, which is told beside them
    }
  }

  #moveTo(point) {
    const options = this.#on.optionsFor(this.#picture);
    this.#setOwn({ ...options, ...movedTo(point, options, this.#picture) });
  }

  #moved() {
    this.#panel.show(this.#on.optionsFor(this.#picture));
    const { left, top } = this.#subject();
    this.#say(text("viewer.moved", { left, top }));
  }

  #nudge([x, y], isFar) {
    const subject = this.#subject();
    if (!subject) return;
    const step = Math.max(1, Math.round(subject.canvas[0] * (isFar ? NUDGE.far : NUDGE.plain)));
    this.#moveTo([subject.left + x * step, subject.top + y * step]);
    this.#moved();
  }

  // Mouse, fingers and keys

  #gestures() {
    const { view } = this.#stage;
    return {
      pans: () => !this.#isPressed("move") || !this.#subject(),
      begin: (point) => {
        const { left, top } = this.#subject();
        this.#drag = { from: view.toPicture(point), at: [left, top] };
      },
      extend: (points) => {
        const [x, y] = view.toPicture(points.at(-1));
        const { from, at } = this.#drag;
        this.#moveTo([at[0] + x - from[0], at[1] + y - from[1]]);
      },
      end: () => this.#moved(),
      cancel: () => {
        this.#moveTo(this.#drag.at);
        this.#moved();
      },
      hover: () => {},
    };
  }

  /** The button shows the original as long as it is pressed, a pointer on the picture once it rests. */
  #listenToHold() {
    const button = this.#button("original");
    button.addEventListener("pointerdown", () => this.#showOriginal(true));
    for (const kind of ["pointerup", "pointerleave", "pointercancel"]) {
      button.addEventListener(kind, () => this.#showOriginal(false));
    }
    this.#box.addEventListener("pointerdown", ({ clientX: x, clientY: y }) => {
      this.#endHold();
      if (this.#isPressed("move")) return;
      this.#hold = { x, y, timer: setTimeout(() => this.#showOriginal(true), HOLD_MS) };
    });
    this.#box.addEventListener("pointermove", ({ clientX, clientY }) => {
      const hold = this.#hold;
      if (hold && Math.hypot(clientX - hold.x, clientY - hold.y) > STILL) clearTimeout(hold.timer);
    });
    for (const kind of ["pointerup", "pointercancel"]) this.#box.addEventListener(kind, () => this.#endHold());
  }

  #endHold() {
    if (!this.#hold) return;
    clearTimeout(this.#hold.timer);
    this.#hold = null;
    this.#showOriginal(false);
  }

  #keyDown(event) {
    const { key, target, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select")) return;
    const move = MOVES[key];
    if (move && this.#isPressed("move")) this.#nudge(move, shiftKey);
    else if (key === "ArrowLeft") this.#go(-1);
    else if (key === "ArrowRight") this.#go(1);
    else if (!this.#letter(key.toLowerCase())) return;
    event.preventDefault();
  }

  #letter(key) {
    const { view } = this.#stage;
    const act = {
      o: () => this.#showOriginal(true),
      0: () => view.fit(),
      1: () => view.zoomBy(1 / view.zoom),
      "+": () => view.zoomBy(STEP),
      "-": () => view.zoomBy(1 / STEP),
    }[key];
    act?.();
    return Boolean(act);
  }

  #toggleZoom() {
    const { view } = this.#stage;
    if (Math.abs(view.zoom - 1) > 0.01) view.zoomBy(1 / view.zoom);
    else view.fit();
  }

  #drawZoom() {
    this.#part(".zoom-value").textContent = `${Math.round(100 * this.#stage.view.zoom)} %`;
  }

  #press(name, isPressed) {
    this.#button(name).setAttribute("aria-pressed", isPressed);
    this.#dialog.toggleAttribute(`data-${name}`, isPressed);
  }

  #isPressed(name) {
    return this.#dialog.hasAttribute(`data-${name}`);
  }

  #button(name) {
    return this.#part(`[data-view=${name}]`);
  }

  #part(selector) {
    return this.#dialog.querySelector(selector);
  }
}
