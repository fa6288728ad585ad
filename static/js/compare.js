/** The before/after slider: the original left of the handle, the cut-out right of it. */

import { release } from "./pixels/canvas.js";
import { boxOnResult, toShadowCanvas } from "./pixels/shadow.js";

const REST = 30; // per cent of the original that stays in sight
const REVEAL_MS = 900;

export class Compare {
  #root;
  #slider;
  #urls = new Map();
  #frame = 0; // of the opening animation

  constructor(root) {
    this.#root = root;
    this.#slider = root.querySelector(".compare-slider");
    this.#slider.addEventListener("input", () => {
      cancelAnimationFrame(this.#frame);
      this.#split(this.#slider.value);
    });
  }

  /** Show the original alone, whole. */
  async showBefore(blob, alt) {
    const image = await this.#show(".compare-before", blob, alt);
    if (!image) return;
    const { naturalWidth: width, naturalHeight: height } = image;
    const whole = { top: 0, left: 0, width, height };
    this.place([width, height], { canvas: [width, height], content: whole, drawn: whole });
    this.#split(100);
  }

  /** Show the cut-out, with the original if it can be displayed. */
  async showAfter(blob, alt, hasBefore) {
    if (!(await this.#show(".compare-after", blob, alt))) return;
    this.#slider.hidden = !hasBefore;
    if (hasBefore) this.#reveal();
    else this.#split(0);
  }

  /**
   * Arrange both as the result will be: `picture` is [width, height] of the images' content,
   * `placed` is from geometry.layout. In per cent, independent of the images' own resolution.
   */
  place(picture, { canvas: [width, height], content, drawn }) {
    const { style } = this.#root;
    style.setProperty("--w", width);
    style.setProperty("--h", height);
    for (const frame of this.#root.querySelectorAll(".frame")) {
      setBox(frame, drawn.left / width, drawn.top / height, drawn.width / width, drawn.height / height);
      setBox(
        frame.firstElementChild,
        -content.left / content.width,
        -content.top / content.height,
        picture[0] / content.width,
        picture[1] / content.height,
      );
    }
  }

  /** Show the cut-out's shadow at `perCent` of its strength, of pixels/shadow.js, or none. */
  setShadow(cast, perCent, placed) {
    const shadow = this.#root.querySelector(".compare-shadow");
    shadow.hidden = !cast;
    if (!cast) return release(shadow);
    const small = toShadowCanvas(cast, perCent);
    Object.assign(shadow, { width: small.width, height: small.height });
    shadow.getContext("2d").drawImage(small, 0, 0);
    release(small);
    const box = boxOnResult(cast, placed);
    const [width, height] = placed.canvas;
    setBox(shadow, box.left / width, box.top / height, box.width / width, box.height / height);
  }

  /** Set the background of the cut-out. */
  setBackground({ kind, colour, url }) {
    const { dataset, style } = this.#root;
    dataset.background = kind;
    style.backgroundColor = kind === "colour" ? colour : "";
    style.backgroundImage = kind === "picture" ? `url("${url}")` : "";
  }

  reset() {
    for (const selector of [".compare-before", ".compare-after"]) this.#hide(selector);
    this.#slider.hidden = true;
    this.#root.querySelector(".compare-shadow").hidden = true;
  }

  release() {
    cancelAnimationFrame(this.#frame);
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
  }

  async #show(selector, blob, alt) {
    const image = this.#root.querySelector(`${selector} img`);
    const url = URL.createObjectURL(blob);
    image.src = url;
    image.alt = alt;
    URL.revokeObjectURL(this.#urls.get(selector));
    this.#urls.set(selector, url);
    try {
      await image.decode();
    } catch {
      return null; // another picture, or none, has taken its place meanwhile
    }
    image.hidden = false;
    return image;
  }

  #hide(selector) {
    const image = this.#root.querySelector(`${selector} img`);
    image.hidden = true;
    image.removeAttribute("src");
    URL.revokeObjectURL(this.#urls.get(selector));
    this.#urls.delete(selector);
  }

  #split(percent) {
    this.#slider.value = percent;
    this.#root.style.setProperty("--split", `${percent}%`);
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

function setBox({ style }, left, top, width, height) {
  style.left = `${100 * left}%`;
  style.top = `${100 * top}%`;
  style.width = `${100 * width}%`;
  style.height = `${100 * height}%`;
}
