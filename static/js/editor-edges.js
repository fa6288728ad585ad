/** The whole matte's edge: moved outwards or inwards, and softened. Nothing else is touched. */

import { mix } from "./brush.js";
import { grown, intersection } from "./editor-work.js";

export const PLAIN = { offset: 0, softness: 0 };

export function isSame(one, other) {
  return one.offset === other.offset && one.softness === other.softness;
}

export function isPlain(edges) {
  return isSame(edges, PLAIN);
}

/** How far from an edge pixels change. */
export function reachOf({ offset, softness }) {
  return Math.abs(offset) + 2 * softness;
}

/**
 * The pixels of a box with their edges moved by `offset` pixels (outwards above 0) and softened over
 * `softness` pixels, straight RGBA. photo: RGBA of the cut-out's size, for colours that come to light.
 */
export function adjusted(cutout, photo, box, edges) {
  const pixels = copied(cutout, box);
  if (isPlain(edges)) return pixels;
  const field = intersection(grown(box, reachOf(edges)), {
    left: 0,
    top: 0,
    right: cutout.width,
    bottom: cutout.height,
  });
  const alpha = alphaOf(cutout, field);
  if (alpha.data.every((value) => value === alpha.data[0])) return pixels;
  const moved = blurred(shifted(alpha, edges.offset), edges.softness);
  const width = box.right - box.left;
  for (let y = box.top; y < box.bottom; y += 1) {
    let at = (y - field.top) * alpha.width + box.left - field.left;
    let i = (y - box.top) * width * 4;
    for (let x = box.left; x < box.right; x += 1, at += 1, i += 4) {
      setAlpha(pixels, i, moved[at], photo, (y * cutout.width + x) * 4);
    }
  }
  return pixels;
}

function copied({ width, data }, { left, top, right, bottom }) {
  const length = (right - left) * 4;
  const pixels = new Uint8ClampedArray(length * (bottom - top));
  for (let y = top; y < bottom; y += 1) {
    const from = (y * width + left) * 4;
    pixels.set(data.subarray(from, from + length), (y - top) * length);
  }
  return pixels;
}

function alphaOf({ width, data }, { left, top, right, bottom }) {
  const alpha = { width: right - left, height: bottom - top };
  alpha.data = new Uint8Array(alpha.width * alpha.height);
  for (let y = top, to = 0; y < bottom; y += 1) {
    for (let from = (y * width + left) * 4 + 3, x = left; x < right; x += 1, from += 4) {
      alpha.data[to++] = data[from];
    }
  }
  return alpha;
}

/** What is added of alpha shows the photo, where that is known; what is taken away leaves the colour. */
function setAlpha(pixels, i, alpha, photo, at) {
  const before = pixels[i + 3];
  if (alpha > before && !photo.data[at + 3]) return;
  if (alpha > before) mix(pixels, i, pixels, i, before, photo.data, at, alpha - before);
  else if (alpha === 0) pixels.fill(0, i, i + 4);
  else pixels[i + 3] = alpha;
}

/** The greatest value within a disc of that radius; for an offset below 0, the least. */
function shifted(alpha, offset) {
  if (!offset) return alpha;
  const isInwards = offset < 0;
  const values = isInwards ? inverted(alpha) : alpha;
  const result = { ...alpha, data: values.data.slice() };
  const radius = Math.abs(offset);
  const runs = runsOf(values, 2 * radius + 1);
  for (let dy = 0; dy <= radius; dy += 1) {
    const reach = Math.round(Math.sqrt((radius + 0.5) ** 2 - dy * dy) - 0.5);
    const row = greatestBeside(runs, alpha.width, reach);
    raise(result, row, dy);
    if (dy) raise(result, row, -dy);
  }
  return isInwards ? inverted(result) : result;
}

function inverted(alpha) {
  return { ...alpha, data: alpha.data.map((value) => 255 - value) };
}

/** runs[k]: of each pixel, the greatest of the 2^k values that begin with it in its row. */
function runsOf({ width, data }, longest) {
  const runs = [data];
  for (let length = 1; 2 * length <= longest; length *= 2) {
    const shorter = runs.at(-1);
    const longer = shorter.slice();
    for (let i = 0; i < data.length; i += 1) {
      const beside = i + length;
      if ((i % width) + length < width && shorter[beside] > longer[i]) longer[i] = shorter[beside];
    }
    runs.push(longer);
  }
  return runs;
}

/** The greatest value at most `reach` pixels to the left or right, from two runs that overlap. */
function greatestBeside(runs, width, reach) {
  const power = Math.floor(Math.log2(2 * reach + 1));
  const [run, length] = [runs[power], 2 ** power];
  const result = new Uint8Array(run.length);
  for (let start = 0; start < run.length; start += width) {
    for (let x = 0; x < width; x += 1) {
      const first = run[start + Math.max(0, x - reach)];
      const second = run[start + Math.max(0, x + reach + 1 - length)];
      result[start + x] = Math.max(first, second);
    }
  }
  return result;
}

/** Raise each value to the one of the field `dy` rows below it. */
function raise({ width, height, data }, field, dy) {
  const from = Math.max(0, -dy) * width;
  const to = Math.min(height, height - dy) * width;
  for (let i = from, j = from + dy * width; i < to; i += 1, j += 1) {
    if (field[j] > data[i]) data[i] = field[j];
  }
}

/** Two means over squares: nearly a Gaussian. */
function blurred(alpha, radius) {
  if (!radius) return alpha.data;
  const once = (values) => meanDown(meanAcross(values, alpha, radius), alpha, radius);
  return Uint8Array.from(once(once(Float32Array.from(alpha.data))), Math.round);
}

function meanAcross(values, { width, height }, radius) {
  const result = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) mean(values, result, y * width, 1, width, radius);
  return result;
}

function meanDown(values, { width, height }, radius) {
  const result = new Float32Array(values.length);
  for (let x = 0; x < width; x += 1) mean(values, result, x, width, height, radius);
  return result;
}

/** The running mean along one row or column; beyond its ends the last value goes on. */
function mean(values, result, start, stride, length, radius) {
  const at = (i) => values[start + Math.min(length - 1, Math.max(0, i)) * stride];
  let sum = 0;
  for (let i = -radius; i <= radius; i += 1) sum += at(i);
  for (let i = 0; i < length; i += 1) {
    result[start + i * stride] = sum / (2 * radius + 1);
    sum += at(i + radius + 1) - at(i - radius);
  }
}
