/**
 * The subject's shadow, black with alpha: the browser's twin of removal/engine/composing/shadow.py.
 * A cast is {opacities, size: [w, h], left, top, step: [x, y]}: opacities from 0 to 1 in cells of
 * `step` pixels, whose upper left corner lies at (left, top) of the picture.
 */

import { newCanvas, release } from "./canvas.js";
import { blurred, reach, shrunk } from "./fields.js";

const SIDE = 320; // cells of the subject's longer side
const DROP = { blur: 0.03, right: 0.012, down: 0.035 }; // shares of that side, as all below
const STRIP = 0.016;
const TIGHT = { blur: 0.01, opacity: 0.75 };
const WIDE = { blurX: 0.05, blurY: 0.018, opacity: 0.55 };
const REACH = 0.1;
export const OPACITY = { none: 100, drop: 40, contact: 90, natural: 100 }; // per cent, as the engine's

/**
 * The shadow of a cut-out, straight RGBA {width, height, data}, or null where there is none.
 * `original` is the photo's pixels of the same size, or null; only `natural` needs them.
 */
export async function castOf(kind, cutout, foreground, original) {
  if (!foreground.width || !foreground.height) return null;
  if (kind === "natural") return original && (await import("./natural_shadow.js")).natural(original, cutout);
  if (kind !== "drop" && kind !== "contact") return null;
  return made(kind, cutout, foreground);
}

export function made(kind, cutout, box) {
  const scale = Math.min(1, SIDE / Math.max(box.width, box.height));
  const cells = [box.width, box.height].map((side) => Math.max(1, Math.round(side * scale)));
  const longest = Math.max(...cells);
  const step = [box.width / cells[0], box.height / cells[1]];
  const [levels] = shrunk(cutout, box, cells, [3]);
  const isDrop = kind === "drop";
  const pad = isDrop ? reach(DROP.blur * longest) : reach(WIDE.blurX * longest) + 1;
  const size = cells.map((side) => side + 2 * pad);
  const matte = padded(levels, cells, pad);
  const opacities = isDrop ? blurred(matte, size, DROP.blur * longest) : contact(matte, size, longest);
  const [right, down] = isDrop ? [DROP.right * longest, DROP.down * longest] : [0, 0];
  const [left, top] = [box.left + (right - pad) * step[0], box.top + (down - pad) * step[1]];
  return { opacities, size, left, top, step };
}

function padded(levels, [width, height], pad) {
  const stride = width + 2 * pad;
  const out = new Float32Array(stride * (height + 2 * pad));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) out[(y + pad) * stride + x + pad] = levels[y * width + x] / 255;
  }
  return out;
}

function contact(matte, size, longest) {
  const lowest = lowestRows(matte, size);
  const ground = Math.max(...lowest);
  if (ground < 0) return new Float32Array(matte.length);
  const half = Math.max(STRIP * longest, 0.5);
  const weights = lowest.map((row) =>
    row < 0 ? 0 : Math.exp(-(((ground - row) / Math.max(REACH * longest, 1)) ** 2)),
  );
  const line = (reached) => strip(lowest, weights, size, reached);
  const tight = blurred(line(half), size, TIGHT.blur * longest);
  const wide = blurred(line(2 * half), size, WIDE.blurX * longest, WIDE.blurY * longest);
  return tight.map((value, i) => 1 - (1 - TIGHT.opacity * value) * (1 - WIDE.opacity * wide[i]));
}

/** Of each column, the lowest row that the subject reaches; -1 where it reaches none. */
function lowestRows(matte, [width, height]) {
  return Array.from({ length: width }, (_, x) => {
    let row = height - 1;
    while (row >= 0 && matte[row * width + x] < 0.5) row -= 1;
    return row;
  });
}

function strip(lowest, weights, [width, height], half) {
  const out = new Float32Array(width * height);
  for (let x = 0; x < width; x += 1) {
    if (!weights[x]) continue;
    const from = Math.max(0, Math.ceil(lowest[x] - half));
    const to = Math.min(height - 1, Math.floor(lowest[x] + half));
    for (let y = from; y <= to; y += 1) out[y * width + x] = weights[x];
  }
  return out;
}

/** The cast as a small canvas, at `perCent` of its strength. */
export function toShadowCanvas({ opacities, size: [width, height] }, perCent) {
  const [canvas, context] = newCanvas(width, height);
  const image = context.createImageData(width, height);
  for (let i = 0; i < opacities.length; i += 1) {
    image.data[4 * i + 3] = Math.round((opacities[i] * perCent * 255) / 100);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Where the cast lies on the result, in its pixels; placed: of geometry.layout. */
export function boxOnResult({ size, left, top, step }, { content, drawn }) {
  const [x, y] = [drawn.width / content.width, drawn.height / content.height];
  return {
    left: drawn.left + (left - content.left) * x,
    top: drawn.top + (top - content.top) * y,
    width: size[0] * step[0] * x,
    height: size[1] * step[1] * y,
  };
}

/** Draw the cast on the result's canvas, which has its background and not yet its subject. */
export function paintShadow(context, cast, perCent, placed) {
  const small = toShadowCanvas(cast, perCent);
  const { left, top, width, height } = boxOnResult(cast, placed);
  context.drawImage(small, left, top, width, height);
  release(small);
}

/** Lay the cast under straight RGBA pixels of the result, in place. */
export function layUnder(pixels, cast, perCent, placed) {
  const { width, height, data } = pixels;
  const [canvas, context] = newCanvas(width, height);
  paintShadow(context, cast, perCent, placed);
  const shade = context.getImageData(0, 0, width, height).data;
  release(canvas);
  for (let i = 3; i < data.length; i += 4) {
    if (!shade[i] || data[i] === 255) continue;
    const total = data[i] + ((255 - data[i]) * shade[i]) / 255;
    const share = data[i] / total;
    for (let c = i - 3; c < i; c += 1) data[c] = Math.round(data[c] * share);
    data[i] = Math.round(total);
  }
}
