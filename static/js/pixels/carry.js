/**
 * Carries a touch-up over to a larger cut-out of the same photo: where it changed alpha, the larger
 * one gets the same alpha, its edges moved onto the photo's own as removal/engine/matting/refine.py
 * does it; everywhere else not a bit changes.
 */

import { shrunk, spread } from "./fields.js";

const LEAST = 3; // levels of alpha by which a pixel must differ to be changed
const REACH = 2; // small pixels around what was changed that follow it
const SMOOTHNESS = 1e-4; // of squared colour in 0..1
const FLAT = 1e-6; // variance of alpha in which there is no edge
const FIT = [0.8, 0.99]; // share of alpha's variance that colour explains: from no trust to all
const ROWS = 128; // between pauses, in which the page may answer

/**
 * Change `full` in place. full, photo: RGBA {width, height, data} of one size, the cut-out and the
 * opaque photo (null where it is not known); first, touched: the smaller cut-out before and after the
 * touch-up. Straight colours. Resolves to whether anything changed.
 */
export async function carry(full, photo, first, touched) {
  const size = [first.width, first.height];
  const changed = changesOf(first, touched);
  if (!changed.includes(1)) return false;
  const weight = spread(changed, size, REACH);
  const maps = mapsOf(touched, photo, size);
  const [across, down] = [neighbours(full.width, size[0]), neighbours(full.height, size[1])];
  const sources = { full, colours: photo ?? touched, isFull: Boolean(photo) };
  for (let y = 0; y < full.height; y += 1) {
    if (y % ROWS === ROWS - 1) await new Promise((resolve) => setTimeout(resolve));
    const row = { near: down.near[y], far: down.far[y], share: down.share[y] };
    const [part, ...lines] = [weight, ...maps].map((field) => field && between(field, size[0], row));
    const nearest = (row.share < 0.5 ? row.near : row.far) * size[0];
    if (part.some(Boolean)) carryRow(sources, y, across, part, lines, nearest);
  }
  return true;
}

function changesOf(first, touched) {
  const changed = new Float32Array(first.width * first.height);
  for (let i = 0, at = 3; i < changed.length; i += 1, at += 4) {
    changed[i] = Math.abs(first.data[at] - touched.data[at]) >= LEAST ? 1 : 0;
  }
  return changed;
}

/**
 * Of each small pixel: the linear map from colour to alpha that fits its neighbourhood best, as
 * [slope of red, of green, of blue, offset], in levels; as far as it fits, as a brush may have gone
 * where the photo has no edge. The rest is alpha itself, as all of it is without a photo.
 */
function mapsOf(touched, photo, size) {
  const alpha = new Float32Array(size[0] * size[1]);
  for (let i = 0, at = 3; i < alpha.length; i += 1, at += 4) alpha[i] = touched.data[at] / 255;
  if (!photo) return [null, null, null, alpha.map((value) => value * 255)];
  const whole = { left: 0, top: 0, width: photo.width, height: photo.height };
  const colours = shrunk(photo, whole, size, [0, 1, 2]).map((field) => field.map((value) => value / 255));
  const means = colours.map((field) => averaged(field, size));
  const mean = averaged(alpha, size);
  const covariances = covariancesOf(colours, means, alpha, mean, size);
  const slopes = solved(variancesOf(colours, means, size), covariances);
  const squares = averaged(product(alpha, alpha), size);
  const dot = (fields, i) => slopes[0][i] * fields[0][i] + slopes[1][i] * fields[1][i] + slopes[2][i] * fields[2][i];
  const trust = squares.map((square, i) => trustIn(dot(covariances, i), square - mean[i] ** 2));
  const offset = mean.map((value, i) => 255 * trust[i] * (value - dot(means, i)));
  const guided = [...slopes.map((slope) => product(slope, trust)), offset].map((field) => averaged(field, size));
  const rest = averaged(trust, size);
  guided[3] = guided[3].map((value, i) => value + 255 * (1 - rest[i]) * alpha[i]);
  return guided;
}

/** 0 to 1, by the share of alpha's variance that colour explains. */
function trustIn(explained, variance) {
  if (variance < FLAT) return 1;
  const [doubtful, sure] = FIT;
  return Math.min(1, Math.max(0, (explained / variance - doubtful) / (sure - doubtful)));
}

/** The entries of the colours' covariance matrix: {"00", "01", "02", "11", "12", "22"}. */
function variancesOf(colours, means, size) {
  const found = {};
  for (let i = 0; i < 3; i += 1) {
    for (let j = i; j < 3; j += 1) {
      const products = averaged(product(colours[i], colours[j]), size);
      const extra = i === j ? SMOOTHNESS : 0;
      found[`${i}${j}`] = products.map((value, at) => value - means[i][at] * means[j][at] + extra);
    }
  }
  return found;
}

function covariancesOf(colours, means, alpha, mean, size) {
  return colours.map((colour, c) => {
    const products = averaged(product(colour, alpha), size);
    return products.map((value, at) => value - means[c][at] * mean[at]);
  });
}

/** The symmetric 3 x 3 system of every pixel, by its adjugate. */
function solved(v, [r, g, b]) {
  const slopes = [r, g, b].map((field) => new Float32Array(field.length));
  for (let i = 0; i < r.length; i += 1) {
    const [xx, xy, xz, yy, yz, zz] = [v["00"][i], v["01"][i], v["02"][i], v["11"][i], v["12"][i], v["22"][i]];
    const [rr, rg, rb] = [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy];
    const [gg, gb, bb] = [xx * zz - xz * xz, xz * xy - xx * yz, xx * yy - xy * xy];
    const determinant = xx * rr + xy * rg + xz * rb;
    slopes[0][i] = (rr * r[i] + rg * g[i] + rb * b[i]) / determinant;
    slopes[1][i] = (rg * r[i] + gg * g[i] + gb * b[i]) / determinant;
    slopes[2][i] = (rb * r[i] + gb * g[i] + bb * b[i]) / determinant;
  }
  return slopes;
}

function product(one, other) {
  return one.map((value, i) => value * other[i]);
}

/** Means of 3 x 3 pixels; what lies beyond the edge is as the edge. */
function averaged(field, [width, height]) {
  const along = (values, length, count, step, next) => {
    const out = new Float32Array(values.length);
    for (let line = 0; line < count; line += 1) {
      const start = line * next;
      for (let i = 0; i < length; i += 1) {
        const at = start + i * step;
        const [before, after] = [i ? at - step : at, i + 1 < length ? at + step : at];
        out[at] = (values[before] + values[at] + values[after]) / 3;
      }
    }
    return out;
  };
  return along(along(field, width, height, 1, width), height, width, width, 1);
}

/** Where each of `count` pixels lies between two of `cells`: {near, far, share of far}. */
function neighbours(count, cells) {
  const near = new Int32Array(count);
  const far = new Int32Array(count);
  const share = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const at = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / count - 0.5));
    near[i] = Math.floor(at);
    far[i] = Math.min(cells - 1, near[i] + 1);
    share[i] = at - near[i];
  }
  return { near, far, share };
}

/** A field's values on a row of the large picture, which lies between two of its own. */
function between(field, width, { near, far, share }) {
  const line = new Float32Array(width);
  for (let x = 0; x < width; x += 1) {
    line[x] = field[near * width + x] * (1 - share) + field[far * width + x] * share;
  }
  return line;
}

function carryRow({ full, colours, isFull }, y, across, weight, [red, green, blue, offset], nearest) {
  const { data } = full;
  for (let x = 0, at = y * full.width * 4; x < full.width; x += 1, at += 4) {
    const [left, right, share] = [across.near[x], across.far[x], across.share[x]];
    const part = weight[left] * (1 - share) + weight[right] * share;
    if (!part) continue;
    let wanted = offset[left] * (1 - share) + offset[right] * share;
    if (red) {
      wanted += (red[left] * (1 - share) + red[right] * share) * colours.data[at];
      wanted += (green[left] * (1 - share) + green[right] * share) * colours.data[at + 1];
      wanted += (blue[left] * (1 - share) + blue[right] * share) * colours.data[at + 2];
    }
    const alpha = data[at + 3] * (1 - part) + Math.min(255, Math.max(0, wanted)) * part;
    const from = isFull ? at : (nearest + (share < 0.5 ? left : right)) * 4;
    paint(data, at, Math.round(alpha), colours.data, from);
  }
}

/** Give a pixel another alpha; what is added to it has the colour at `from`. */
function paint(data, at, alpha, colours, from) {
  const added = alpha - data[at + 3];
  for (let c = 0; c < 3 && added > 0; c += 1) {
    data[at + c] = Math.round((data[at + c] * data[at + 3] + colours[from + c] * added) / alpha);
  }
  data[at + 3] = alpha;
  if (!alpha) data.fill(0, at, at + 3);
}
