/** What the touch-up dialog shows: the cut-out over its backdrop, the original, the brush's ring. */

import { adjusted, isPlain, reachOf } from "./editor-edges.js";
import { pathOf } from "./editor-mending.js";
import { grown, intersection, union } from "./editor-work.js";
import { inSlices } from "./slices.js";

const FRAME_MS = 12; // of drawing in one frame, where everything is drawn anew
const SVG = "http://www.w3.org/2000/svg";
const SIGNS = { keep: "+", remove: "−" };

export class Screen {
  #canvas;
  #context;
  #original;
  #marks;
  #ring;
  #work = null;
  #photo = null;
  #dirty = null; // box to be drawn at the next frame
  #waiting = []; // tiles to be drawn at the next frames
  #overlaid = null; // box of what is shown but not the cut-out's
  #frame = 0;

  constructor(dialog) {
    this.#canvas = dialog.querySelector(".editor-canvas");
    this.#context = this.#canvas.getContext("2d");
    this.#original = dialog.querySelector(".editor-original");
    this.#marks = dialog.querySelector(".editor-marks");
    this.#ring = dialog.querySelector(".brush-ring");
  }

  get canvas() {
    return this.#canvas;
  }

  /**
   * work: the cut-out to show. photo: RGBA of its size, for colours that its edges bring to light.
   * original: a Blob of the picture, or null.
   */
  show(work, photo, original) {
    const { width, height } = work.cutout;
    [this.#work, this.#photo] = [work, photo];
    Object.assign(this.#canvas, { width, height });
    this.#marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#draw(work.bounds);
    this.showOriginal(original);
  }

  /** Show the picture under the cut-out. */
  showOriginal(blob) {
    URL.revokeObjectURL(this.#original.src);
    this.#original.hidden = !blob;
    if (blob) this.#original.src = URL.createObjectURL(blob);
    else this.#original.removeAttribute("src");
  }

  set photo(pixels) {
    this.#photo = pixels;
  }

  clear() {
    cancelAnimationFrame(this.#frame);
    this.showOriginal(null);
    this.#marks.replaceChildren();
    this.#canvas.width = this.#canvas.height = 0;
    this.#work = this.#photo = this.#dirty = this.#overlaid = null;
    [this.#waiting, this.#frame] = [[], 0];
    this.#ring.hidden = true;
  }

  /** Draw a box anew, at the next frame. */
  paint(box) {
    if (!box) return;
    this.#dirty = union(this.#dirty, box);
    this.#request();
  }

  /** Draw everything anew, what is in sight first. */
  paintAll(visible) {
    const isSeen = (tile) => {
      const { left, top, right, bottom } = intersection(tile, visible);
      return left < right && top < bottom;
    };
    const tiles = this.#work.tilesIn(this.#work.bounds);
    this.#waiting = [...tiles.filter(isSeen), ...tiles.filter((tile) => !isSeen(tile))];
    this.#request();
  }

  /** Show pixels of a tile that are not the cut-out's yet. */
  overlay(tile, pixels) {
    const data = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
    this.#context.putImageData(new ImageData(data, tile.right - tile.left), tile.left, tile.top);
    this.#overlaid = union(this.#overlaid, tile);
  }

  /** Show the cut-out itself again. */
  dropOverlay() {
    this.paint(this.#overlaid);
    this.#overlaid = null;
  }

  /** Draw a scribble's line; returns {draw(points), remove()}. */
  trail(label, radius) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `trail trail-${label}`);
    path.setAttribute("stroke-width", 2 * radius);
    this.#marks.append(path);
    return { draw: (points) => path.setAttribute("d", pathOf(points)), remove: () => path.remove() };
  }

  /** Frame a box of the picture, or none. */
  outline(box) {
    this.#marks.querySelector("rect")?.remove();
    if (!box) return;
    const frame = document.createElementNS(SVG, "rect");
    const { left: x, top: y, right, bottom } = box;
    for (const [name, value] of Object.entries({ x, y, width: right - x, height: bottom - y })) {
      frame.setAttribute(name, value);
    }
    this.#marks.append(frame);
  }

  /** Show the brush at a point of the view, `side` pixels wide; by no point, hide it. */
  ring(point, side, tool) {
    this.#ring.hidden = !point;
    if (!point) return;
    this.#ring.dataset.sign = SIGNS[tool] ?? "";
    const [x, y] = point;
    Object.assign(this.#ring.style, {
      width: `${side}px`,
      height: `${side}px`,
      transform: `translate(${x - side / 2}px, ${y - side / 2}px)`,
    });
  }

  /** The cut-out as it is shown, its edges adjusted, which takes a while. slices: see inSlices. */
  async bake(slices) {
    const [{ cutout, state }, photo] = [this.#work, this.#photo];
    if (isPlain(state.edges)) return cutout;
    const result = { ...cutout, data: cutout.data.slice() };
    const move = (tile) => {
      const pixels = adjusted(cutout, photo, tile, state.edges);
      const length = (tile.right - tile.left) * 4;
      for (let y = tile.top; y < tile.bottom; y += 1) {
        const row = pixels.subarray((y - tile.top) * length, (y - tile.top + 1) * length);
        result.data.set(row, (y * cutout.width + tile.left) * 4);
      }
    };
    await inSlices(this.#work.tilesIn(this.#work.bounds), move, slices);
    return result;
  }

  #request() {
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#frame = 0;
    const until = performance.now() + FRAME_MS;
    const box = this.#dirty;
    this.#dirty = null;
    if (box) this.#draw(grown(box, reachOf(this.#work.state.edges)));
    while (this.#waiting.length && performance.now() < until) this.#draw(this.#waiting.shift());
    if (this.#waiting.length) this.#request();
  }

  #draw(box) {
    const part = intersection(box, this.#work.bounds);
    if (isPlain(this.#work.state.edges)) return this.#drawPart(part);
    for (const tile of this.#work.tilesIn(part)) this.#drawPart(intersection(tile, part));
  }

  #drawPart(part) {
    const [width, height] = [part.right - part.left, part.bottom - part.top];
    if (width <= 0 || height <= 0) return;
    const pixels = adjusted(this.#work.cutout, this.#photo, part, this.#work.state.edges);
    this.#context.putImageData(new ImageData(pixels, width, height), part.left, part.top);
  }
}
