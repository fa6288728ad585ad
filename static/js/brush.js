/** A stroke of the plain brushes, erase and restore: dabs on the cut-out that do not add up. */

import { intersection, union } from "./editor-work.js";

export class PlainStroke {
  #work;
  #brush;
  #last;
  #coverage = new Map(); // index of a tile -> how much of the stroke each of its pixels has had

  /** brush: {tool: erase|restore, radius in pixels, hardness 0..1}. */
  constructor(work, brush) {
    this.#work = work;
    this.#brush = brush;
  }

  /** Go on to a point, with dabs close enough to make a line; returns the changed box, or null. */
  to([x, y]) {
    const [fromX, fromY] = this.#last ?? [x, y];
    const distance = Math.hypot(x - fromX, y - fromY);
    const steps = Math.max(1, Math.ceil(distance / Math.max(0.5, this.#brush.radius / 4)));
    let box = null;
    for (let step = 1; step <= steps; step += 1) {
      const t = step / steps;
      box = union(box, this.#dab(fromX + (x - fromX) * t, fromY + (y - fromY) * t));
    }
    this.#last = [x, y];
    return box;
  }

  /** One round dab; returns the changed box, or null outside the picture. */
  #dab(x, y) {
    const { radius } = this.#brush;
    const reach = {
      left: Math.floor(x - radius),
      top: Math.floor(y - radius),
      right: Math.ceil(x + radius) + 1,
      bottom: Math.ceil(y + radius) + 1,
    };
    const box = intersection(reach, this.#work.bounds);
    if (box.left >= box.right || box.top >= box.bottom) return null;
    for (const tile of this.#work.tilesIn(box)) this.#dabOn(tile, intersection(tile, box), x, y);
    return box;
  }

  #dabOn(tile, part, x, y) {
    const { cutout, source } = this.#work;
    const paint = this.#brush.tool === "erase" ? erase : restore;
    const before = this.#work.before(tile);
    const coverage = this.#coverageOf(tile, before.length / 4);
    const side = tile.right - tile.left;
    for (let py = part.top; py < part.bottom; py += 1) {
      for (let px = part.left; px < part.right; px += 1) {
        const strength = this.#strength((px + 0.5 - x) ** 2 + (py + 0.5 - y) ** 2);
        const at = (py - tile.top) * side + px - tile.left;
        if (strength <= coverage[at]) continue;
        coverage[at] = strength;
        paint(cutout.data, source.data, (py * cutout.width + px) * 4, before, at * 4, strength / 255);
      }
    }
  }

  #coverageOf({ index }, pixels) {
    if (!this.#coverage.has(index)) this.#coverage.set(index, new Uint8Array(pixels));
    return this.#coverage.get(index);
  }

  /** 0 to 255: all of it in the hard core, then a smooth slope to the rim. */
  #strength(squaredDistance) {
    const { radius, hardness } = this.#brush;
    const core = (radius - 0.5) * hardness;
    if (squaredDistance <= core * core && core >= 0) return 255;
    if (squaredDistance >= radius * radius && radius - core >= 1) return 0;
    const t = (Math.sqrt(squaredDistance) - core) / Math.max(1, radius - core);
    return t >= 1 ? 0 : Math.round(255 * (1 - t * t * (3 - 2 * t)));
  }
}

function erase(data, _source, i, before, j, strength) {
  data[i + 3] = Math.round(before[j + 3] * (1 - strength));
  if (data[i + 3] === 0) data.fill(0, i, i + 3);
}

/** Towards the source, on premultiplied colour, so that no colour comes out of transparency. */
function restore(data, source, i, before, j, strength) {
  mix(data, i, before, j, before[j + 3] * (1 - strength), source, i, source[i + 3] * strength);
}

/** Write to `i` the sum of two straight colours, at `j` and `k`, with alphas of their own (0..255). */
export function mix(data, i, one, j, oneAlpha, other, k, otherAlpha) {
  const alpha = oneAlpha + otherAlpha;
  data[i + 3] = Math.round(alpha);
  for (let c = 0; c < 3; c += 1) {
    data[i + c] = alpha ? Math.round((one[j + c] * oneAlpha + other[k + c] * otherAlpha) / alpha) : 0;
  }
}
