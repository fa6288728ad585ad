/**
 * The cut-out that is being touched up, with undo. Straight RGBA in memory: a canvas would round
 * every soft edge. What a step changes is saved by tiles, before it changes.
 */

const SIDE = 128; // of a tile, in pixels
const MOST_STEPS = 100;
const MOST_BYTES = 256 * 2 ** 20; // of what undo keeps

export class Work {
  cutout; // {width, height, data}, changed in place
  source; // what restoring paints: the original, opaque, or the cut-out as it came
  state; // what undo brings back besides pixels; an object that is replaced, never changed
  #initial; // the pixels as they came
  #first; // the state as it came
  #saved = new Map(); // of the step under way: index of a tile -> its pixels before
  #done = [];
  #undone = [];

  constructor(cutout, original, state) {
    this.cutout = cutout;
    this.#initial = cutout.data.slice();
    this.source = original ?? { ...cutout, data: this.#initial };
    this.state = this.#first = state;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Box of the whole picture. */
  get bounds() {
    return { left: 0, top: 0, right: this.cutout.width, bottom: this.cutout.height };
  }

  /** The tiles that a box touches: boxes with their `index`. */
  tilesIn(box) {
    const { left, top, right, bottom } = intersection(box, this.bounds);
    const tiles = [];
    for (let row = Math.floor(top / SIDE); row * SIDE < bottom; row += 1) {
      for (let column = Math.floor(left / SIDE); column * SIDE < right; column += 1) {
        tiles.push(this.tile(row * this.#columns + column));
      }
    }
    return left < right && top < bottom ? tiles : [];
  }

  tile(index) {
    const [left, top] = [(index % this.#columns) * SIDE, Math.floor(index / this.#columns) * SIDE];
    const { width, height } = this.cutout;
    return { index, left, top, right: Math.min(width, left + SIDE), bottom: Math.min(height, top + SIDE) };
  }

  /** The tile's pixels as they were when the step under way began; saves them. */
  before(tile) {
    if (!this.#saved.has(tile.index)) this.#saved.set(tile.index, this.pixels(tile));
    return this.#saved.get(tile.index);
  }

  /** A copy of a tile's pixels. */
  pixels(tile, data = this.cutout.data) {
    const pixels = new Uint8Array((tile.right - tile.left) * (tile.bottom - tile.top) * 4);
    this.#eachRow(tile, (at, offset, length) => pixels.set(data.subarray(at, at + length), offset));
    return pixels;
  }

  /** The tile's pixels as the cut-out came. */
  initialPixels(tile) {
    return this.pixels(tile, this.#initial);
  }

  replace(tile, pixels) {
    this.#eachRow(tile, (at, offset, length) => {
      this.cutout.data.set(pixels.subarray(offset, offset + length), at);
    });
  }

  /** End the step; returns the box that it changed, or null where nothing was saved. */
  commit(state = this.state) {
    const isEmpty = !this.#saved.size && state === this.state;
    const step = { tiles: this.#saved, state: this.state };
    this.#saved = new Map();
    if (isEmpty) return null;
    this.state = state;
    this.#done.push(step);
    this.#undone = [];
    this.#forgetOldest();
    return this.#boxOf(step);
  }

  /** Undo the last step, or redo it; returns the box that changed, or null. */
  undo() {
    return this.#swap(this.#done, this.#undone);
  }

  redo() {
    return this.#swap(this.#undone, this.#done);
  }

  /** Everything as it came, as one more step. */
  reset() {
    for (const tile of this.tilesIn(this.bounds)) {
      const [initial, now] = [this.initialPixels(tile), this.pixels(tile)];
      if (isSame(initial, now)) continue;
      this.before(tile);
      this.replace(tile, initial);
    }
    return this.commit(this.#first);
  }

  get #columns() {
    return Math.ceil(this.cutout.width / SIDE);
  }

  #swap(from, to) {
    const step = from.pop();
    if (!step) return null;
    const tiles = new Map();
    for (const [index, pixels] of step.tiles) {
      const tile = this.tile(index);
      tiles.set(index, this.pixels(tile));
      this.replace(tile, pixels);
    }
    to.push({ tiles, state: this.state });
    this.state = step.state;
    return this.#boxOf(step);
  }

  #boxOf({ tiles }) {
    const empty = { left: 0, top: 0, right: 0, bottom: 0 };
    return [...tiles.keys()].reduce((box, index) => union(box, this.tile(index)), null) ?? empty;
  }

  /** Calls with (offset in the picture, offset in the tile, length), in bytes, for each row. */
  #eachRow({ left, top, right, bottom }, use) {
    const length = (right - left) * 4;
    for (let y = top; y < bottom; y += 1) {
      use((y * this.cutout.width + left) * 4, (y - top) * length, length);
    }
  }

  #forgetOldest() {
    const sizeOf = ({ tiles }) => [...tiles.values()].reduce((sum, pixels) => sum + pixels.length, 0);
    let size = this.#done.reduce((sum, step) => sum + sizeOf(step), 0);
    while (this.#done.length > MOST_STEPS || (size > MOST_BYTES && this.#done.length > 1)) {
      size -= sizeOf(this.#done.shift());
    }
  }
}

export function union(a, b) {
  if (!a || !b) return a ?? b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** What two boxes share; empty (right <= left or bottom <= top) where they share nothing. */
export function intersection(a, b) {
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  };
}

export function grown({ left, top, right, bottom }, by) {
  return { left: left - by, top: top - by, right: right + by, bottom: bottom + by };
}

/** Whether two tiles' pixels are the same; compared as 32-bit words. */
function isSame(a, b) {
  const [one, other] = [a, b].map((bytes) => new Uint32Array(bytes.buffer));
  return one.every((word, i) => word === other[i]);
}
