/** Keep and remove scribbles: what the server makes of them, laid into the cut-out. */

import { intersection, union } from "./editor-work.js";
import { newCanvas, release } from "./pixels/canvas.js";

const FINE = 2_000_000; // pixels up to which the cut-out itself comes soon enough
const SEEN = 3; // levels by which a matte must change to be shown before the cut-out comes
const MOST_POINTS = 40; // of a scribble
const MOST_SIDE = 1024; // of the canvas on which a scribble is drawn
const RADIUS_SHARE = 8; // a scribble's radius is at most this part of the picture's longer side

export function largestRadius({ width, height }) {
  return Math.max(width, height) / RADIUS_SHARE;
}

/** A scribble as the server takes it, in pixels of the cut-out. */
export function scribbleOf(label, points, radius, { width, height }) {
  const inside = ([x, y]) => [clamped(x, width), clamped(y, height)];
  let tolerance = radius / 8;
  let line = simplified(points, tolerance);
  while (line.length > MOST_POINTS) {
    tolerance *= 2;
    line = simplified(points, tolerance);
  }
  return { label, points: line.map(inside), radius: Math.round(radius * 100) / 100 };
}

/** Asks the server for one scribble after the other. */
export class Mender {
  #store;
  #id;
  #matte = null; // the small matte that was seen last
  #ready = null; // promise of the first one

  constructor(store, id) {
    this.#store = store;
    this.#id = id;
  }

  /**
   * Have the server ready for scribbles. Resolves to a small copy of the picture, straight RGBA, where
   * the browser `needsPicture`, else to null.
   */
  prepare({ width, height }, needsPicture) {
    const prepared = needsPicture ? this.#workCopy() : width * height > FINE ? this.#firstMatte() : null;
    this.#ready = Promise.resolve(prepared).catch(() => null); // whoever called has the error
    return prepared;
  }

  async #firstMatte() {
    this.#matte = await this.#store.matte(this.#id, []);
    return null;
  }

  async #workCopy() {
    const copy = await this.#store.workCopy(this.#id);
    this.#matte = { ...copy, data: copy.data.filter((_, i) => i % 4 === 3) };
    return copy;
  }

  /** The small matte now and before, grey; null where the cut-out itself comes as soon. */
  async preview(scribbles, { width, height }, signal) {
    if (width * height <= FINE) return null;
    await this.#ready;
    if (!this.#matte) return null;
    const before = this.#matte;
    this.#matte = await this.#store.matte(this.#id, scribbles, signal);
    return { before, after: this.#matte };
  }

  /** What changes of the cut-out as it came: RGBA {left, top, width, height, data}. */
  patch(scribbles, signal) {
    return this.#store.mended(this.#id, scribbles, signal);
  }
}

/**
 * Lay the server's patch into the cut-out, as one step: all that differs from what the scribbles
 * before made, and what the new scribble covers. Brush strokes elsewhere stay.
 * Returns the box that changed, or null.
 */
export function layIn(work, patch, scribbles) {
  const covers = coverOf(scribbles.at(-1), work.cutout);
  const box = { ...patch, right: patch.left + patch.width, bottom: patch.top + patch.height };
  const reached = [box, covers.box].flatMap((one) => work.tilesIn(one).map(({ index }) => index));
  const mended = new Map();
  for (const index of new Set([...reached, ...work.state.mended.keys()])) {
    const tile = work.tile(index);
    const before = work.state.mended.get(index) ?? work.initialPixels(tile);
    const now = overlaid(work, tile, patch, intersection(box, tile));
    if (now) mended.set(index, now);
    take(work, tile, before, now ?? work.initialPixels(tile), covers);
  }
  return work.commit({ ...work.state, scribbles, mended });
}

/** The tile as the cut-out came with the patch over it; null where the patch does not reach. */
function overlaid(work, tile, patch, part) {
  if (part.left >= part.right || part.top >= part.bottom) return null;
  const pixels = work.initialPixels(tile);
  const { source, cutout } = work;
  for (let y = part.top; y < part.bottom; y += 1) {
    for (let x = part.left; x < part.right; x += 1) {
      const from = ((y - patch.top) * patch.width + x - patch.left) * 4;
      const to = ((y - tile.top) * (tile.right - tile.left) + x - tile.left) * 4;
      const isOriginal = patch.data[from + 3] === 0 && patch.data[from] === 255; // see delta_png.js
      const at = isOriginal ? (y * cutout.width + x) * 4 : from;
      const pixel = isOriginal ? source.data : patch.data;
      for (let c = 0; c < 4; c += 1) pixels[to + c] = pixel[at + c];
    }
  }
  return pixels;
}

function take(work, tile, before, now, covers) {
  const [old, fresh] = [before, now].map((bytes) => new Uint32Array(bytes.buffer));
  const current = work.pixels(tile);
  const words = new Uint32Array(current.buffer);
  const side = tile.right - tile.left;
  let isChanged = false;
  for (let i = 0; i < words.length; i += 1) {
    if (words[i] === fresh[i]) continue;
    const isNew = old[i] !== fresh[i];
    if (!isNew && !covers.at(tile.left + (i % side), tile.top + Math.floor(i / side))) continue;
    words[i] = fresh[i];
    isChanged = true;
  }
  if (!isChanged) return;
  work.before(tile);
  work.replace(tile, current);
}

/** Where a scribble covers the picture: {box, at(x, y)}. */
function coverOf({ points, radius }, { width, height }) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const reach = {
    left: Math.floor(Math.min(...xs) - radius),
    top: Math.floor(Math.min(...ys) - radius),
    right: Math.ceil(Math.max(...xs) + radius),
    bottom: Math.ceil(Math.max(...ys) + radius),
  };
  const box = intersection(reach, { left: 0, top: 0, right: width, bottom: height });
  const scale = Math.min(1, MOST_SIDE / Math.max(box.right - box.left, box.bottom - box.top));
  const size = [box.right - box.left, box.bottom - box.top].map((side) => Math.max(1, Math.ceil(side * scale)));
  const [canvas, context] = newCanvas(...size);
  context.setTransform(scale, 0, 0, scale, -box.left * scale, -box.top * scale);
  Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: 2 * radius });
  context.stroke(new Path2D(pathOf(points)));
  const { data } = context.getImageData(0, 0, ...size);
  release(canvas);
  const at = (x, y) => {
    if (x < box.left || y < box.top || x >= box.right || y >= box.bottom) return false;
    const [column, row] = [Math.floor((x - box.left) * scale), Math.floor((y - box.top) * scale)];
    return data[(row * size[0] + column) * 4 + 3] > 127;
  };
  return { box, at };
}

/** An SVG path through the points; of a single one, a dot. */
export function pathOf(points) {
  return `M${points.map((point) => point.join(" ")).join("L")}L${points.at(-1).join(" ")}`;
}

/**
 * The new matte as pixels to be shown until the cut-out comes: calls `show(box, pixels)` for each
 * tile that changes. photo: RGBA of the cut-out's size, for colours that it lacks.
 */
export function showMatte(work, { before, after }, photo, show) {
  const { width, height } = work.cutout;
  const scale = [after.width / width, after.height / height];
  const changed = changedBox({ before, after });
  if (!changed) return;
  const box = {
    left: Math.floor(changed.left / scale[0]),
    top: Math.floor(changed.top / scale[1]),
    right: Math.ceil(changed.right / scale[0]),
    bottom: Math.ceil(changed.bottom / scale[1]),
  };
  for (const tile of work.tilesIn(box)) {
    const pixels = work.pixels(tile);
    if (paintMatte(pixels, tile, { before, after, scale, photo, width })) show(tile, pixels);
  }
}

function paintMatte(pixels, tile, { before, after, scale, photo, width }) {
  const columns = stops(tile.left, tile.right, scale[0], after.width);
  let [i, isChanged] = [0, false];
  for (let y = tile.top; y < tile.bottom; y += 1) {
    const [[row, next, share]] = stops(y, y + 1, scale[1], after.height);
    const [one, two] = [row * after.width, next * after.width];
    for (let x = tile.left; x < tile.right; x += 1, i += 4) {
      const [column, beside, part] = columns[x - tile.left];
      const near = share < 0.5 ? one : two;
      const nearest = near + (part < 0.5 ? column : beside);
      if (Math.abs(after.data[nearest] - before.data[nearest]) < SEEN) continue;
      const upper = after.data[one + column] * (1 - part) + after.data[one + beside] * part;
      const lower = after.data[two + column] * (1 - part) + after.data[two + beside] * part;
      if (pixels[i + 3] < 255) pixels.set(photo.data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3), i);
      pixels[i + 3] = upper * (1 - share) + lower * share;
      isChanged = true;
    }
  }
  return isChanged;
}

/** For each full-size pixel of an axis: the small ones on either side, and how near the second is. */
function stops(from, to, scale, size) {
  return Array.from({ length: to - from }, (_, i) => {
    const place = Math.min(size - 1, Math.max(0, (from + i + 0.5) * scale - 0.5));
    const first = Math.floor(place);
    return [first, Math.min(size - 1, first + 1), place - first];
  });
}

function changedBox({ before, after }) {
  let box = null;
  for (let y = 0, i = 0; y < after.height; y += 1) {
    for (let x = 0; x < after.width; x += 1, i += 1) {
      if (Math.abs(after.data[i] - before.data[i]) < SEEN) continue;
      box = union(box, { left: x - 1, top: y - 1, right: x + 2, bottom: y + 2 });
    }
  }
  return box;
}

function clamped(value, size) {
  return Math.round(Math.min(size - 0.01, Math.max(0, value)) * 100) / 100;
}

/** Fewer points, none of the others farther than `tolerance` from the line (Douglas and Peucker). */
function simplified(points, tolerance) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points.at(-1)];
  let [farthest, most] = [0, 0];
  for (let i = 1; i < points.length - 1; i += 1) {
    const distance = distanceTo(points[i], first, last);
    if (distance > most) [farthest, most] = [i, distance];
  }
  if (most <= tolerance) return [first, last];
  const left = simplified(points.slice(0, farthest + 1), tolerance);
  return [...left, ...simplified(points.slice(farthest), tolerance).slice(1)];
}

function distanceTo([x, y], [x1, y1], [x2, y2]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = dx || dy ? ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy) : 0;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
}
