/** Arithmetic on coarse fields: numbers in a Float32Array, row by row, with width and height. */

/**
 * Means over the cells of a grid of `size` [w, h] that lies on `box` of RGBA pixels {width, data}:
 * for each of `channels` (0 to 3) a Float32Array, in whole levels as the engine has them.
 */
export function shrunk({ width, data }, box, size, channels) {
  const [w, h] = size;
  const across = shares(box.width, w);
  const down = shares(box.height, h);
  const sums = channels.map(() => new Float32Array(w * h));
  for (let y = 0; y < box.height; y += 1) {
    const row = ((box.top + y) * width + box.left) * 4;
    channels.forEach((channel, at) => {
      const line = new Float32Array(w + 1);
      for (let x = 0, from = row + channel; x < box.width; x += 1, from += 4) {
        const value = data[from];
        line[across.first[x]] += value * across.share[x];
        line[across.first[x] + 1] += value * (1 - across.share[x]);
      }
      addLine(sums[at], line, w, h, down.first[y], down.share[y]);
    });
  }
  const area = (box.width / w) * (box.height / h);
  for (const sum of sums) for (let i = 0; i < sum.length; i += 1) sum[i] = Math.round(sum[i] / area);
  return sums;
}

function addLine(sum, line, w, h, row, share) {
  for (let x = 0, to = row * w; x < w; x += 1, to += 1) sum[to] += line[x] * share;
  if (share === 1 || row + 1 >= h) return;
  for (let x = 0, to = (row + 1) * w; x < w; x += 1, to += 1) sum[to] += line[x] * (1 - share);
}

/** Of each of `count` pixels: the first of `cells` it lies in, and how much of it does. */
function shares(count, cells) {
  const scale = cells / count; // at most 1
  const first = new Int32Array(count);
  const share = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    first[i] = Math.min(Math.floor(i * scale + 1e-9), cells - 1);
    share[i] = Math.min((first[i] + 1 - i * scale) / scale, 1);
    if (share[i] > 1 - 1e-6) share[i] = 1;
  }
  return { first, share };
}

/** The same for one field. */
export function coarser(field, [width, height], [w, h]) {
  const across = shares(width, w);
  const down = shares(height, h);
  const sum = new Float32Array(w * h);
  for (let y = 0; y < height; y += 1) {
    const line = new Float32Array(w + 1);
    for (let x = 0; x < width; x += 1) {
      const value = field[y * width + x];
      line[across.first[x]] += value * across.share[x];
      line[across.first[x] + 1] += value * (1 - across.share[x]);
    }
    addLine(sum, line, w, h, down.first[y], down.share[y]);
  }
  const area = (width / w) * (height / h);
  return sum.map((value) => value / area);
}

/** Cells beyond which a Gaussian counts for nothing. */
export function reach(sigma) {
  return Math.ceil(3 * sigma);
}

/** A Gaussian blur, with nothing beyond the edges. */
export function blurred(field, [width, height], sigmaX, sigmaY = sigmaX) {
  const rows = convolved(field, width, height, 1, width, kernel(sigmaX));
  return convolved(rows, height, width, width, 1, kernel(sigmaY));
}

function kernel(sigma) {
  const far = reach(sigma);
  const weights = Float64Array.from({ length: 2 * far + 1 }, (_, i) =>
    Math.exp(-((i - far) ** 2) / (2 * Math.max(sigma, 1e-3) ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Along lines of `length` values, `step` apart; the `count` lines are `next` apart. */
function convolved(field, length, count, step, next, weights) {
  const far = (weights.length - 1) / 2;
  const out = new Float32Array(field.length);
  for (let line = 0; line < count; line += 1) {
    const start = line * next;
    for (let i = 0; i < length; i += 1) {
      const from = Math.max(0, i - far);
      const to = Math.min(length - 1, i + far);
      let sum = 0;
      for (let j = from; j <= to; j += 1) sum += field[start + j * step] * weights[j - i + far];
      out[start + i * step] = sum;
    }
  }
  return out;
}

/** The largest (or, with `least`, the smallest) value within `far` cells, as a square. */
export function spread(field, [width, height], far, least = false) {
  const best = least ? Math.min : Math.max;
  const along = (values, length, count, step, next) => {
    const out = new Float32Array(values.length);
    for (let line = 0; line < count; line += 1) {
      for (let i = 0; i < length; i += 1) {
        let found = values[line * next + i * step];
        for (let j = Math.max(0, i - far); j <= Math.min(length - 1, i + far); j += 1) {
          found = best(found, values[line * next + j * step]);
        }
        out[line * next + i * step] = found;
      }
    }
    return out;
  };
  return along(along(field, width, height, 1, width), height, width, width, 1);
}
