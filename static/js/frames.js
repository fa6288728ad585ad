/** A picture and its cut-out over each other, placed as the result will be; no more than CSS. */

import { release } from "./pixels/canvas.js";
import { boxOnResult, toShadowCanvas } from "./pixels/shadow.js";

const SIDES = { before: ".compare-before", after: ".compare-after" };

export class Frames {
  #root;
  #urls = new Map(); // side -> URL of what it shows

  constructor(root) {
    this.#root = root;
  }

  /** Show a Blob as the original ("before") or the cut-out ("after"): its image, or null if it can't. */
  async show(side, blob, alt) {
    const image = this.#image(side);
    const url = URL.createObjectURL(blob);
    image.src = url;
    image.alt = alt;
    URL.revokeObjectURL(this.#urls.get(side));
    this.#urls.set(side, url);
    try {
      await image.decode();
    } catch {
      return null; // another picture, or none, has taken its place meanwhile
    }
    image.hidden = false;
    return image;
  }

  hide(side) {
    const image = this.#image(side);
    image.hidden = true;
    image.removeAttribute("src");
    URL.revokeObjectURL(this.#urls.get(side));
    this.#urls.delete(side);
  }

  /** Per cent of the width, from the left, that shows the original. */
  split(percent) {
    this.#root.style.setProperty("--split", `${percent}%`);
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

  clear() {
    for (const side of Object.keys(SIDES)) this.hide(side);
    this.setShadow(null);
  }

  #image(side) {
    return this.#root.querySelector(`${SIDES[side]} img`);
  }
}

function setBox({ style }, left, top, width, height) {
  style.left = `${100 * left}%`;
  style.top = `${100 * top}%`;
  style.width = `${100 * width}%`;
  style.height = `${100 * height}%`;
}
