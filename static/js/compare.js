/** The before/after slider: the original left of the handle, the cut-out right of it. */

import { Frames } from "./frames.js";

const REST = 0; // per cent of the original that stays in sight: the result is shown whole
const REVEAL_MS = 900;

export class Compare {
  frames;
  #slider;
  #frame = 0; // of the opening animation

  constructor(root) {
    this.frames = new Frames(root);
    this.#slider = root.querySelector(".compare-slider");
    this.#slider.addEventListener("input", () => this.#split(this.#slider.value));
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
