/** What the viewer shows: one result at its full size, the original on demand, zoom. */

import { placedBy } from "./card.js";
import { Frames } from "./frames.js";
import { release, toBlob, toCanvas } from "./pixels/canvas.js";
import { resolvedFormat } from "./pixels/render.js";
import { text } from "./text.js";
import { View } from "./view.js";

const EVERY_CANVAS = 4096 * 4096; // pixels that a canvas holds in every browser

export class Stage {
  view;
  #frames;
  #picture = null;
  #canvas = ""; // size that is shown, to fit the view when it changes
  #turn = 0; // counts what was asked for
  #shadows = 0;

  constructor(box) {
    const root = box.querySelector(".compare");
    this.#frames = new Frames(root);
    this.view = new View(box, root);
  }

  /**
   * Show a finished picture; `original()` resolves to a Blob of its photo, or null. First what the
   * card has, then every pixel. Resolves to whether there is an original to show. To be placed at once.
   */
  async show(picture, original) {
    this.#turn += 1;
    const turn = this.#turn;
    this.#picture = picture;
    this.#canvas = "";
    this.#frames.clear();
    this.isOriginal = false;
    this.#showAfter(picture.after);
    const photo = await original();
    if (turn !== this.#turn) return false;
    const hasOriginal = photo ? this.#frames.show("before", photo, text("alt.before", picture)) : null;
    const whole = await wholeOf(picture);
    if (whole && turn === this.#turn) this.#showAfter(whole);
    return Boolean(await hasOriginal);
  }

  /** Arrange it under other options. Throws GeometryError. */
  place(options) {
    const placed = placedBy(options, this.#picture);
    this.#frames.place(this.#picture.size, placed);
    this.#frames.setBackground(options.background);
    this.#placeShadow(options, placed);
    if (this.#canvas === placed.canvas.join()) return placed;
    this.#canvas = placed.canvas.join();
    this.view.show(...placed.canvas);
    return placed;
  }

  /** Whether the original is shown in place of the result. */
  set isOriginal(isOriginal) {
    this.#frames.split(isOriginal ? 100 : 0);
  }

  clear() {
    this.#turn += 1;
    this.#frames.clear();
    this.#picture = null;
  }

  #showAfter(blob) {
    return this.#frames.show("after", blob, text("alt.after", this.#picture));
  }

  async #placeShadow({ shadow, shadowOpacity, ...options }, placed) {
    this.#shadows += 1;
    const turn = this.#shadows;
    const shows = resolvedFormat(options) !== "mask";
    const cast = shows ? await this.#picture.cast(shadow).catch(() => null) : null;
    if (turn === this.#shadows && this.#picture) this.#frames.setShadow(cast, shadowOpacity, placed);
  }
}

/** All pixels of the cut-out as a PNG; null where they are more than a canvas holds, or can't be had. */
async function wholeOf(picture) {
  const [width, height] = picture.size;
  if (width * height > EVERY_CANVAS) return null;
  try {
    const canvas = toCanvas(await picture.cutout());
    const blob = await toBlob(canvas, "image/png");
    release(canvas);
    return blob;
  } catch (error) {
    console.warn(error); // its preview stays
    return null;
  }
}
