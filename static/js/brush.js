/**
 * Brushes on a cut-out at full size. Works on straight RGBA in memory; a canvas would round every
 * soft edge it touches.
 */

const MOST_STEPS = 50;
const MOST_BYTES = 256 * 2 ** 20; // of what undo keeps

export class Retouch {
  #cutout; // straight RGBA {width, height, data}, changed in place
  #source; // what `restore` paints back: the original, opaque, or the cut-out as it came
  #coverage; // of the stroke under way: how much of it each pixel has had, so that dabs don't add up
  #before; // the pixels as they were when the stroke began
  #touched = null; // box of the stroke under way
  #done = [];
  #undone = [];

  constructor(cutout, source) {
    this.#cutout = cutout;
    this.#source = source;
    this.#coverage = new Uint8Array(cutout.width * cutout.height);
    this.#before = cutout.data.slice();
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /**
   * One round dab at (x, y) in pixels. brush: {tool: erase|restore, radius, hardness 0..1}.
   * Returns the box that changed, {left, top, right, bottom}, or null outside the picture.
   */
  dab(x, y, brush) {
    const { width, height } = this.#cutout;
    const box = {
      left: Math.max(0, Math.floor(x - brush.radius)),
      top: Math.max(0, Math.floor(y - brush.radius)),
      right: Math.min(width, Math.ceil(x + brush.radius) + 1),
      bottom: Math.min(height, Math.ceil(y + brush.radius) + 1),
    };
    if (box.left >= box.right || box.top >= box.bottom) return null;
    this.#touched = union(this.#touched, box);
    const paint = brush.tool === "erase" ? this.#erase : this.#restore;
    for (let py = box.top; py < box.bottom; py += 1) {
      for (let px = box.left; px < box.right; px += 1) {
        const strength = Math.round(255 * falloff(Math.hypot(px + 0.5 - x, py + 0.5 - y), brush));
        const at = py * width + px;
        if (strength <= this.#coverage[at]) continue;
        this.#coverage[at] = strength;
        paint.call(this, at * 4, strength / 255);
      }
    }
    return box;
  }

  /** Dabs from one point to the next, close enough to make a line; returns the changed box. */
  line([fromX, fromY], [toX, toY], brush) {
    const distance = Math.hypot(toX - fromX, toY - fromY);
    const steps = Math.max(1, Math.ceil(distance / Math.max(0.5, brush.radius / 4)));
    let box = null;
    for (let step = 1; step <= steps; step += 1) {
      const t = step / steps;
      box = union(box, this.dab(fromX + (toX - fromX) * t, fromY + (toY - fromY) * t, brush));
    }
    return box;
  }

  /** End the stroke, which becomes one step for undo. */
  endStroke() {
    if (!this.#touched) return;
    this.#done.push(this.#patch(this.#touched, this.#before));
    this.#undone = [];
    this.#settle(this.#touched);
    this.#touched = null;
    this.#forgetOldest();
  }

  /** Undo the last step, or redo it; returns the changed box, or null. */
  undo() {
    return this.#swap(this.#done, this.#undone);
  }

  redo() {
    return this.#swap(this.#undone, this.#done);
  }

  #erase(i, strength) {
    const { data } = this.#cutout;
    data[i + 3] = Math.round(this.#before[i + 3] * (1 - strength));
    if (data[i + 3] === 0) data.fill(0, i, i + 3);
  }

  /** Towards the source, on premultiplied colour, so that no colour comes out of transparency. */
  #restore(i, strength) {
    const { data } = this.#cutout;
    const { data: source } = this.#source;
    const kept = this.#before[i + 3] * (1 - strength);
    const added = source[i + 3] * strength;
    const alpha = kept + added;
    data[i + 3] = Math.round(alpha);
    for (let c = i; c < i + 3; c += 1) {
      data[c] = alpha ? Math.round((this.#before[c] * kept + source[c] * added) / alpha) : 0;
    }
  }

  #swap(from, to) {
    const step = from.pop();
    if (!step) return null;
    to.push(this.#patch(step.box, this.#cutout.data));
    this.#eachRow(step.box, (at, offset, length) => {
      this.#cutout.data.set(step.pixels.subarray(offset, offset + length), at);
    });
    this.#settle(step.box);
    return step.box;
  }

  #patch(box, data) {
    const pixels = new Uint8Array((box.right - box.left) * (box.bottom - box.top) * 4);
    this.#eachRow(box, (at, offset, length) => pixels.set(data.subarray(at, at + length), offset));
    return { box, pixels };
  }

  /** Make the current pixels the start of the next stroke. */
  #settle(box) {
    this.#eachRow(box, (at, _offset, length) => {
      this.#before.set(this.#cutout.data.subarray(at, at + length), at);
      this.#coverage.fill(0, at / 4, (at + length) / 4);
    });
  }

  /** Calls with (offset in the picture, offset in a patch, length), in bytes, for each row of a box. */
  #eachRow({ left, top, right, bottom }, use) {
    const length = (right - left) * 4;
    for (let y = top; y < bottom; y += 1) {
      use((y * this.#cutout.width + left) * 4, (y - top) * length, length);
    }
  }

  #forgetOldest() {
    const size = () => this.#done.reduce((sum, { pixels }) => sum + pixels.length, 0);
    while (this.#done.length > MOST_STEPS || (size() > MOST_BYTES && this.#done.length > 1)) {
      this.#done.shift();
    }
  }
}

/** Full strength in the hard core, then a smooth slope to the rim. */
function falloff(distance, { radius, hardness }) {
  const core = (radius - 0.5) * hardness;
  if (distance <= core) return 1;
  const t = (distance - core) / Math.max(1, radius - core);
  return t >= 1 ? 0 : 1 - t * t * (3 - 2 * t);
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
