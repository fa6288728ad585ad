/**
 * The result's geometry: the browser's twin of removal/engine/geometry.py, tested against the same
 * vectors. Integers and exact fractions (BigInt) only, so that both round alike.
 * A box is {top, left, width, height} in pixels, all 0 if it is empty.
 */

const MAX_SIDE = 1_000_000; // of a margin or a target
const MAX_ASPECT = 10_000; // of a result's longer side to its shorter one
const MAX_RESULT_SIDE = { jpeg: 65_500, zip: 65_500, webp: 16_383 };
export const EMPTY_BOX = Object.freeze({ top: 0, left: 0, width: 0, height: 0 });

/** An impossible option; `key` names the sentence for the visitor. */
export class GeometryError extends Error {
  constructor(key) {
    super(key);
    this.key = key;
  }
}

/** The size [width, height] of a picture shrunk to at most `maxPixels`. */
export function limitedSize(width, height, maxPixels) {
  if (width * height <= maxPixels) return [width, height];
  const area = BigInt(width) * BigInt(height);
  const side = (length) => {
    const squared = (BigInt(length) * BigInt(length) * BigInt(maxPixels)) / area;
    return Math.max(1, squareRoot(squared));
  };
  const [w, h] = [side(width), side(height)];
  if (w >= h) return [Math.min(w, Math.floor(maxPixels / h)), h];
  return [w, Math.min(h, Math.floor(maxPixels / w))];
}

/** Floor of the root of a BigInt, as a number. */
function squareRoot(value) {
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (root * root > value) root -= 1n;
  while ((root + 1n) * (root + 1n) <= value) root += 1n;
  return Number(root);
}

/** One to four lengths in CSS order -> [top, right, bottom, left]; throws GeometryError. */
export function parseMargin(text) {
  const tokens = text.trim().split(/\s+/);
  if (tokens.length > 4) throw new GeometryError("error.margin");
  const [top, right = top, bottom = top, left = right] = tokens.map(parseLength);
  return [top, right, bottom, left];
}

function parseLength(token) {
  if (token === "0") return { units: 0n, scale: 1n, percent: false };
  const match = /^(\d{1,7}(?:\.\d{0,6})?|\.\d{1,6})(px|%)$/i.exec(token);
  if (!match || Number(match[1]) > MAX_SIDE) throw new GeometryError("error.margin");
  const [whole, part = ""] = match[1].split(".");
  return { units: BigInt(whole + part), scale: 10n ** BigInt(part.length), percent: match[2] === "%" };
}

/** "800 600" -> [800, 600]; throws GeometryError. */
export function parseTarget(text) {
  const match = /^\s*(\d{1,7})\s+(\d{1,7})\s*$/.exec(text);
  const size = match ? [Number(match[1]), Number(match[2])] : [0, 0];
  if (size.some((side) => side < 1 || side > MAX_SIDE)) throw new GeometryError("error.target");
  return size;
}

/**
 * How the result is put together: {canvas: [w, h], content, drawn}. `content` is the part of the
 * picture that is shown, `drawn` its box on the canvas.
 * options: {crop, margin (of parseMargin), target ([w, h] or null), alignment, format, maxPixels}
 */
export function layout([width, height], foreground, options) {
  const whole = { top: 0, left: 0, width, height };
  const content = options.crop && foreground.width && foreground.height ? foreground : whole;
  const placed = options.target ? fitted(content, options) : framed(content, options);
  checkLimits(placed.canvas, options);
  checkAspect(placed.canvas, [width, height], [content.width, content.height]);
  return placed;
}

function framed(content, { margin }) {
  const [top, right, bottom, left] = margin.map((length) => pixels(length, content.width));
  const canvas = [content.width + left + right, content.height + top + bottom];
  return { canvas, content, drawn: { top, left, width: content.width, height: content.height } };
}

function fitted(content, { margin, target: [width, height], alignment }) {
  const [top, right, bottom, left] = margin.map((length) => pixels(length, width));
  const [innerW, innerH] = [width - left - right, height - top - bottom];
  if (innerW < 1 || innerH < 1) throw new GeometryError("error.marginTooLarge");
  // the scale is the smaller of innerW / content.width and innerH / content.height
  const byWidth = BigInt(innerW) * BigInt(content.height) <= BigInt(innerH) * BigInt(content.width);
  const [part, whole] = byWidth ? [innerW, content.width] : [innerH, content.height];
  const scaled = (side, room) => Math.min(Math.max(roundHalfUp(BigInt(side) * BigInt(part), BigInt(whole)), 1), room);
  const drawnW = scaled(content.width, innerW);
  const drawnH = scaled(content.height, innerH);
  const spare = innerH - drawnH;
  const down = { top: 0, middle: Math.floor(spare / 2), bottom: spare }[alignment];
  const drawn = {
    top: top + down,
    left: left + Math.floor((innerW - drawnW) / 2),
    width: drawnW,
    height: drawnH,
  };
  return { canvas: [width, height], content, drawn };
}

function pixels({ units, scale, percent }, reference) {
  return percent ? roundHalfUp(units * BigInt(reference), scale * 100n) : roundHalfUp(units, scale);
}

export function roundHalfUp(numerator, denominator) {
  return Number((2n * numerator + denominator) / (2n * denominator));
}

/** Refuse an unreasonably thin canvas, unless its content is just as thin. */
function checkAspect(canvas, ...shown) {
  const thinner = ([w, h], [ofW, ofH]) =>
    BigInt(Math.max(w, h)) * BigInt(Math.min(ofW, ofH)) > BigInt(Math.max(ofW, ofH)) * BigInt(Math.min(w, h));
  if ([[MAX_ASPECT, 1], ...shown].every((size) => thinner(canvas, size))) {
    throw new GeometryError("error.resultTooLarge");
  }
}

function checkLimits([width, height], { format, maxPixels }) {
  const side = MAX_RESULT_SIDE[format] ?? Infinity;
  if (width * height > maxPixels || Math.max(width, height) > side) {
    throw new GeometryError("error.resultTooLarge");
  }
}
