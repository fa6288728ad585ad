/** The touch-up dialog: erase and restore by brush, undo, zoom, move; mouse, pen, touch, keyboard. */

import { Retouch, union } from "./brush.js";
import { View } from "./view.js";

const WHEEL = 1.0015; // zoom a pixel of scrolling
const STEP = 1.4; // zoom a click

export class Editor {
  #dialog;
  #form;
  #canvas;
  #context;
  #ring;
  #view;
  #cutout = null;
  #initial = null;
  #source = null;
  #retouch = null;
  #pointers = new Map(); // id -> [x, y] on the screen
  #last = null; // where the stroke is, in the picture
  #cursor = [0, 0]; // of the keyboard, in the picture
  #dirty = null; // box to be drawn at the next frame

  constructor(dialog) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#canvas = dialog.querySelector("canvas");
    this.#context = this.#canvas.getContext("2d");
    this.#ring = dialog.querySelector(".brush-ring");
    const box = dialog.querySelector("[data-role=view]");
    this.#view = new View(box, this.#canvas);
    this.#listenToPointers(box);
    this.#listenToControls();
  }

  /**
   * Let the visitor change a cut-out (straight RGBA, changed in place).
   * original: RGBA of the same size, or null where the browser could not read it.
   * Resolves to the changed cut-out, or to null if cancelled or unchanged.
   */
  async edit(cutout, original) {
    this.#initial = cutout.data.slice();
    this.#source = original ?? { ...cutout, data: this.#initial };
    this.#cutout = cutout;
    this.#begin();
    this.#dialog.showModal();
    this.#fit();
    const closed = new Promise((resolve) => {
      this.#dialog.addEventListener("close", resolve, { once: true });
    });
    this.#dialog.returnValue = "";
    await closed;
    return this.#finish();
  }

  #begin() {
    const { width, height } = this.#cutout;
    Object.assign(this.#canvas, { width, height });
    this.#retouch = new Retouch(this.#cutout, this.#source);
    this.#cursor = [width / 2, height / 2];
    this.#draw({ left: 0, top: 0, right: width, bottom: height });
    this.#showSteps();
  }

  #finish() {
    const changed = this.#dialog.returnValue === "apply" && this.#retouch.canUndo;
    const cutout = changed ? this.#cutout : null;
    this.#canvas.width = this.#canvas.height = 0;
    this.#cutout = this.#initial = this.#source = this.#retouch = null;
    this.#pointers.clear();
    return cutout;
  }

  get #brush() {
    const { tool, size, hardness } = this.#form.elements;
    return { tool: tool.value, radius: size.value / 2, hardness: hardness.value / 100 };
  }

  #listenToControls() {
    const tools = {
      undo: () => this.#step("undo"),
      redo: () => this.#step("redo"),
      reset: () => this.#reset(),
      "zoom-in": () => this.#zoom(STEP),
      "zoom-out": () => this.#zoom(1 / STEP),
      fit: () => this.#fit(),
    };
    for (const button of this.#form.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => tools[button.dataset.tool]());
    }
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    // Enter in a field would press the first button, Cancel
    this.#form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
    });
  }

  #listenToPointers(box) {
    box.addEventListener("pointerdown", (event) => this.#down(event, box));
    box.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) {
      box.addEventListener(type, (event) => this.#up(event));
    }
    box.addEventListener("pointerleave", () => (this.#ring.hidden = true));
    box.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #down(event, box) {
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    box.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, pointOf(event));
    if (this.#pointers.size > 1) return this.#endStroke(); // a second finger: move and zoom
    if (this.#pans(event)) return;
    this.#last = this.#view.toPicture(pointOf(event));
    this.#paint(this.#retouch.dab(...this.#last, this.#brush));
  }

  #move(event) {
    this.#showRing(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    if (this.#pointers.size > 1) this.#pinch(event.pointerId, now);
    else if (this.#last) this.#stroke(event);
    else this.#view.moveBy(now[0] - before[0], now[1] - before[1]);
    this.#pointers.set(event.pointerId, now);
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    this.#endStroke();
  }

  #pans({ button }) {
    return this.#brush.tool === "pan" || button === 1;
  }

  /** The browser reports only the last point between two frames; use all of them. */
  #stroke(event) {
    for (const part of event.getCoalescedEvents?.() ?? [event]) {
      const point = this.#view.toPicture(pointOf(part));
      this.#paint(this.#retouch.line(this.#last, point, this.#brush));
      this.#last = point;
    }
  }

  #endStroke() {
    if (!this.#last) return;
    this.#last = null;
    this.#retouch.endStroke();
    this.#showSteps();
  }

  #pinch(id, now) {
    const [[, other]] = [...this.#pointers].filter(([otherId]) => otherId !== id);
    const before = this.#pointers.get(id);
    const middle = (a) => [(a[0] + other[0]) / 2, (a[1] + other[1]) / 2];
    const reach = (a) => Math.max(1, Math.hypot(a[0] - other[0], a[1] - other[1]));
    this.#view.moveBy(middle(now)[0] - middle(before)[0], middle(now)[1] - middle(before)[1]);
    this.#zoom(reach(now) / reach(before), middle(now));
  }

  #wheel(event) {
    event.preventDefault();
    this.#zoom(WHEEL ** -event.deltaY, pointOf(event));
    this.#showRing(event);
  }

  #key(event) {
    const step = Math.max(1, this.#brush.radius / 2);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { size } = this.#form.elements;
    const does = {
      " ": () => this.#dabAtCursor(),
      "[": () => (size.value -= 4),
      "]": () => (size.value = Number(size.value) + 4),
      "+": () => this.#zoom(STEP),
      "-": () => this.#zoom(1 / STEP),
      z: () => this.#step("undo"),
      Z: () => this.#step("redo"),
    };
    const move = moves[event.key];
    if (move) this.#moveCursor(move[0] * step, move[1] * step);
    else if (does[event.key]) does[event.key]();
    else return;
    event.preventDefault();
    this.#placeRing(this.#view.toBox(this.#cursor));
  }

  #moveCursor(x, y) {
    const { width, height } = this.#cutout;
    const within = (value, limit) => Math.min(limit, Math.max(0, value));
    this.#cursor = [within(this.#cursor[0] + x, width), within(this.#cursor[1] + y, height)];
  }

  #dabAtCursor() {
    if (this.#brush.tool === "pan") return;
    this.#paint(this.#retouch.dab(...this.#cursor, this.#brush));
    this.#retouch.endStroke();
    this.#showSteps();
  }

  #step(direction) {
    this.#paint(this.#retouch[direction]());
    this.#showSteps();
  }

  #reset() {
    this.#cutout.data.set(this.#initial);
    this.#begin();
  }

  #zoom(factor, point) {
    this.#view.zoomBy(factor, point);
    this.#showZoom();
  }

  #fit() {
    this.#view.fit();
    this.#showZoom();
  }

  #showZoom() {
    this.#form.querySelector(".zoom-value").textContent = `${Math.round(this.#view.zoom * 100)} %`;
  }

  #showSteps() {
    this.#form.querySelector("[data-tool=undo]").disabled = !this.#retouch.canUndo;
    this.#form.querySelector("[data-tool=redo]").disabled = !this.#retouch.canRedo;
  }

  #showRing(event) {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    this.#placeRing([event.clientX - left, event.clientY - top]);
  }

  #placeRing([x, y]) {
    const { tool, radius } = this.#brush;
    this.#ring.hidden = tool === "pan";
    const side = 2 * radius * this.#view.zoom;
    Object.assign(this.#ring.style, {
      width: `${side}px`,
      height: `${side}px`,
      transform: `translate(${x - side / 2}px, ${y - side / 2}px)`,
    });
  }

  /** Draw what has changed, once a frame. */
  #paint(box) {
    if (!box) return;
    if (!this.#dirty) requestAnimationFrame(() => this.#flush());
    this.#dirty = union(this.#dirty, box);
  }

  #flush() {
    if (this.#cutout) this.#draw(this.#dirty);
    this.#dirty = null;
  }

  #draw({ left, top, right, bottom }) {
    const { width, data } = this.#cutout;
    const part = new ImageData(right - left, bottom - top);
    for (let y = top; y < bottom; y += 1) {
      const from = (y * width + left) * 4;
      part.data.set(data.subarray(from, from + part.width * 4), (y - top) * part.width * 4);
    }
    this.#context.putImageData(part, left, top);
  }
}

function pointOf({ clientX, clientY }) {
  return [clientX, clientY];
}
