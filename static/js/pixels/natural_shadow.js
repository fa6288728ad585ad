/**
 * The shadow that a subject casts in the photo itself: the browser's twin of
 * removal/engine/composing/natural_shadow.py, whose comments give the reasons.
 */

import { blurred, coarser, shrunk, spread } from "./fields.js";

const PHOTO_SIDE = 384;
const MODEL_SIDE = 96;
const LEAST_VISIBLE = 0.1;
const DARKEST = 80;
const [ROUNDS, FIRST_ROUNDS] = [14, 7];
const BELOW = 0.08;
const LEAST_EVEN = 0.45;
const MOST_NOISE = 0.016;
const BRIGHT = 0.05;
const [TINT, TINT_IN_SHADE] = [0.05, 0.15];
const MOST_FOREIGN = 0.03;
const MOST_ON_EDGE = 0.25;
const [HARD, MOST_HARD] = [0.1, 0.2];
const [LEAST, DEEPEST] = [0.012, 0.8];
const SMOOTH = 0.6;
const [CARRIED, ENOUGH] = [[0.6, 1.2, 4.0], 0.02];
const TAPER = 0.04;
const TERMS = 6;

/** The cast, or null where the background is not even. Both are RGBA of the same size. */
export function natural(original, cutout) {
  const { width, height } = cutout;
  const size = low([width, height], PHOTO_SIDE);
  const whole = { top: 0, left: 0, width, height };
  const photo = shrunk(original, whole, size, [0, 1, 2]);
  const [alpha] = shrunk(cutout, whole, size, [3]);
  const covered = spread(
    alpha.map((level) => (level > 2 ? 1 : 0)),
    size,
    1,
  );
  const visible = covered.map((is) => 1 - is);
  if (sum(visible) < LEAST_VISIBLE * visible.length) return null;
  const fitted = fit(photo, visible, size);
  if (!fitted) return null;
  const opacities = shade(photo, fitted.model, visible, covered, size, Math.max(LEAST, 3 * fitted.noise));
  return opacities && { opacities, size, left: 0, top: 0, step: [width / size[0], height / size[1]] };
}

function low(size, side) {
  const scale = Math.min(1, side / Math.max(...size));
  return size.map((length) => Math.max(1, Math.round(length * scale)));
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The terms of the quadratic surface at a cell. */
function terms(column, row, [width, height]) {
  const x = ((column + 0.5) * 2) / width - 1;
  const y = ((row + 0.5) * 2) / height - 1;
  return [1, x, y, x * x, x * y, y * y];
}

function fit(photo, visible, size) {
  const coarse = low(size, MODEL_SIDE);
  const share = coarser(visible, size, coarse);
  const means = photo.map((plane) =>
    coarser(
      plane.map((value, i) => value * visible[i]),
      size,
      coarse,
    ),
  );
  const cells = [];
  for (let i = 0; i < share.length; i += 1) {
    if (share[i] < 0.5) continue;
    const colour = means.map((mean) => mean[i] / share[i]);
    cells.push({ at: terms(i % coarse[0], Math.floor(i / coarse[0]), coarse), colour, grey: sum(colour) / 3 });
  }
  if (cells.length < 24) return null;
  let weights = new Float64Array(cells.length).fill(1);
  let [factors, noise, levels] = [null, 0, []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    factors = solved(cells, weights);
    levels = cells.map(({ at }) => Math.max(sum(factors.map((of) => dot(of, at))) / 3, 1));
    const errors = cells.map(({ grey }, i) => grey / levels[i] - 1);
    if (turn < FIRST_ROUNDS) {
      weights = Float64Array.from(errors, (error) => (error < 0 ? BELOW : 1));
      continue;
    }
    const above = errors.filter((error) => error > 0);
    noise = above.length ? median(above) / 0.6745 : 0;
    const around = Math.max(noise, 0.003);
    weights = Float64Array.from(errors, (error) => (error > -2.5 * around && error < 4 * around ? 1 : 0));
    if (sum(weights) < Math.max(LEAST_EVEN * cells.length, 12)) return null;
  }
  if (noise > MOST_NOISE || median(levels) < DARKEST) return null;
  return { model: surface(factors, size), noise };
}

function dot(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i += 1) total += a[i] * b[i];
  return total;
}

function surface(factors, size) {
  const [width, height] = size;
  const model = factors.map(() => new Float32Array(width * height));
  for (let i = 0; i < width * height; i += 1) {
    const at = terms(i % width, Math.floor(i / width), size);
    factors.forEach((of, c) => {
      model[c][i] = Math.min(Math.max(dot(of, at), 1), 255);
    });
  }
  return model;
}

/** Weighted least squares: the six factors of each colour. */
function solved(cells, weights) {
  const rows = Array.from({ length: TERMS }, () => new Float64Array(TERMS + 3));
  cells.forEach(({ at, colour }, cell) => {
    const weight = weights[cell];
    if (!weight) return;
    for (let i = 0; i < TERMS; i += 1) {
      const factor = weight * at[i];
      for (let j = 0; j < TERMS; j += 1) rows[i][j] += factor * at[j];
      for (let c = 0; c < 3; c += 1) rows[i][TERMS + c] += factor * colour[c];
    }
  });
  for (let i = 0; i < TERMS; i += 1) rows[i][i] += 1e-6;
  eliminate(rows);
  return [0, 1, 2].map((c) => rows.map((row) => row[TERMS + c]));
}

/** Gauss and Jordan; the matrix is symmetric and positive, so it needs no exchange of rows. */
function eliminate(rows) {
  for (let i = 0; i < TERMS; i += 1) {
    const pivot = rows[i][i];
    rows[i] = rows[i].map((value) => value / pivot);
    for (let k = 0; k < TERMS; k += 1) {
      const factor = rows[k][i];
      if (k !== i) rows[k] = rows[k].map((value, j) => value - factor * rows[i][j]);
    }
  }
}

function shade(photo, model, visible, covered, size, least) {
  const { missing, isForeign } = compared(photo, model);
  const foreign = visible.map((is, i) => (is && isForeign[i] ? 1 : 0));
  const dark = visible.map((is, i) => (is && !foreign[i] && missing[i] > least ? 1 : 0));
  const own = touching(dark, covered, size);
  const strong = own.map((is, i) => (is && missing[i] > 2 * least ? 1 : 0));
  for (let i = 0; i < dark.length; i += 1) if (dark[i] && !own[i] && missing[i] > 2 * least) foreign[i] = 1;
  if (sum(foreign) > MOST_FOREIGN * sum(visible) || isOnEdge(strong, size)) return null;
  if (isHard(missing, strong, covered, size)) return null;
  const gated = missing.map((value, i) => (own[i] ? value * smoothStep(value / least - 1) : 0));
  const known = visible.map((is, i) => (is && !foreign[i] ? 1 : 0));
  return tapered(extended(gated, known, size), size);
}

function smoothStep(value) {
  const share = Math.min(Math.max(value, 0), 1);
  return share * share * (3 - 2 * share);
}

function compared([r, g, b], [mr, mg, mb]) {
  const missing = new Float32Array(r.length);
  const isForeign = new Uint8Array(r.length);
  for (let i = 0; i < r.length; i += 1) {
    const lit = (r[i] * mr[i] + g[i] * mg[i] + b[i] * mb[i]) / (mr[i] ** 2 + mg[i] ** 2 + mb[i] ** 2);
    const off = Math.max(Math.abs(r[i] - lit * mr[i]), Math.abs(g[i] - lit * mg[i]), Math.abs(b[i] - lit * mb[i]));
    const tint = off / ((mr[i] + mg[i] + mb[i]) / 3);
    missing[i] = Math.min(Math.max(1 - lit, 0), 1);
    isForeign[i] = lit > 1 + BRIGHT || tint > TINT + TINT_IN_SHADE * missing[i] || missing[i] > DEEPEST ? 1 : 0;
  }
  return { missing, isForeign };
}

/** The parts of `dark` that lie against what is covered: filled from there. */
function touching(dark, covered, size) {
  const [width, height] = size;
  const near = spread(covered, size, 2);
  const own = new Float32Array(dark.length);
  const waiting = [];
  const take = (i) => {
    if (!dark[i] || own[i]) return;
    own[i] = 1;
    waiting.push(i);
  };
  for (let i = 0; i < dark.length; i += 1) if (near[i]) take(i);
  while (waiting.length) {
    const i = waiting.pop();
    const x = i % width;
    if (x > 0) take(i - 1);
    if (x < width - 1) take(i + 1);
    if (i >= width) take(i - width);
    if (i < width * (height - 1)) take(i + width);
  }
  return own;
}

function isOnEdge(own, [width, height]) {
  let [count, on] = [0, 0];
  for (let i = 0; i < own.length; i += 1) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
    count += 1;
    on += own[i];
  }
  return on / count > MOST_ON_EDGE;
}

function isHard(missing, own, covered, size) {
  const highest = spread(missing, size, 1);
  const lowest = spread(missing, size, 1, true);
  const inner = spread(own, size, 1, true);
  const beside = spread(covered, size, 4);
  let [rim, hard] = [0, 0];
  for (let i = 0; i < own.length; i += 1) {
    if (!own[i] || inner[i] || beside[i]) continue;
    rim += 1;
    if (highest[i] - lowest[i] > HARD) hard += 1;
  }
  return hard > MOST_HARD * Math.max(rim, 20);
}

function extended(values, known, size) {
  const seen = values.map((value, i) => value * known[i]);
  const means = [SMOOTH, ...CARRIED].map((sigma) => [blurred(seen, size, sigma), blurred(known, size, sigma)]);
  const mean = ([value, share], i) => value[i] / Math.max(share[i], 1e-6);
  return values.map((_, i) => {
    if (known[i]) return mean(means[0], i);
    const nearest = means.slice(1).find(([, share]) => share[i] > ENOUGH);
    return nearest ? mean(nearest, i) : 0;
  });
}

function tapered(values, [width, height]) {
  const fade = (at, side) => smoothStep(Math.min((at + 0.5) / side, 1 - (at + 0.5) / side) / TAPER);
  return values.map((value, i) => value * fade(i % width, width) * fade(Math.floor(i / width), height));
}
