/** The before/after slider: the original left of the handle, the cut-out right of it. */

import { Frames } from "./frames.js";

const REST = 0; // per cent of the original that stays in sight: the result is shown whole
const REVEAL_MS = 900;
const STILL = 5; // pixels that a click may move

export class Compare {
  frames;
  #slider;
  #frame = 0; // of the opening animation
  #press = null; // of a pointer on the slider: {x, y, value, isDrag}

  /** `open()` is called by a click, or by Enter on the slider. */
  constructor(root, open) {
    this.frames = new Frames(root);
    this.#slider = root.querySelector(".compare-slider");
    this.#listen(open);
  }

  /** Show the original alone, whole. */
  async showBefore(blob, alt) {
    const image = await this.frames.show("before", blob, alt);
    if (!image) return;
    const { naturalWidth: width, naturalHeight: height } = image;
    const whole = { top: 0, left: 0, width, height };
    this.frames.place([width, height], { canvas: [width, height], content: whole, drawn: whole });
    this.#split(100);
  }

  /** Show the cut-out, with the original if it can be displayed. */
  async showAfter(blob, alt, hasBefore) {
    if (!(await this.frames.show("after", blob, alt))) return;
    this.#slider.hidden = !hasBefore;
    if (hasBefore) this.#reveal();
    else this.#split(REST);
  }

  reset() {
    this.frames.clear();
    this.#slider.hidden = true;
  }

  release() {
    cancelAnimationFrame(this.#frame);
    this.frames.clear();
  }

  /** The slider covers the picture, so that it tells dragging from a click. */
  #listen(open) {
    const slider = this.#slider;
    slider.addEventListener("pointerdown", ({ clientX: x, clientY: y, button }) => {
      if (!button) this.#press = { x, y, value: slider.value, isDrag: false };
    });
    slider.addEventListener("pointermove", ({ clientX, clientY }) => {
      const press = this.#press;
      if (press && Math.hypot(clientX - press.x, clientY - press.y) > STILL) press.isDrag = true;
    });
    slider.addEventListener("pointerup", () => this.#lift(open)); // a finger's click does not come to a slider
    slider.addEventListener("pointercancel", () => {
      this.#press = null;
    });
    slider.addEventListener("input", () => {
      if (this.#press && !this.#press.isDrag) return; // jumped to the pointer
      this.#split(slider.value);
    });
    slider.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      open();
    });
  }

  #lift(open) {
    const press = this.#press;
    if (!press || press.isDrag) this.#press = null;
    else setTimeout(() => this.#click(press, open)); // after the slider's own answer to the pointer
  }

  #click({ value }, open) {
    this.#press = null;
    this.#slider.value = value;
    open();
  }

  #split(percent) {
    cancelAnimationFrame(this.#frame);
    this.#slider.value = percent;
    this.frames.split(percent);
  }

  /** Animate the handle from the original to its final position, unless the visitor moves it. */
  #reveal() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still) return this.#split(REST);
    const began = performance.now();
    const step = (now) => {
      const rest = 1 - Math.min(1, Math.max(0, (now - began) / REVEAL_MS));
      this.#split(REST + (100 - REST) * rest ** 3);
      this.#frame = rest ? requestAnimationFrame(step) : 0;
    };
    this.#frame = requestAnimationFrame(step);
  }
}
