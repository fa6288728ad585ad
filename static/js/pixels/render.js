/** Renders a cut-out with the options to the file for the download. */

import { newCanvas, release, toBlob, toCanvas } from "./canvas.js";
import { encodePng } from "./png.js";
import { layUnder, paintShadow } from "./shadow.js";

export const FOREGROUND_ALPHA = 13; // the smallest alpha that counts, as in the engine
const EXTENSIONS = { png: "png", jpeg: "jpg", webp: "webp", mask: "png", zip: "zip" };

/** The format of `auto`: JPEG if a background makes the result opaque. */
export function resolvedFormat({ format, background }) {
  if (format !== "auto") return format;
  return background.kind === "none" ? "png" : "jpeg";
}

export function extensionOf(options) {
  return EXTENSIONS[resolvedFormat(options)];
}

/** The smallest box around everything with an alpha of FOREGROUND_ALPHA or more. */
export function foregroundBox({ width, height, data }) {
  const isSeen = (x, y) => data[(y * width + x) * 4 + 3] >= FOREGROUND_ALPHA;
  const first = (y, end) => {
    for (let x = 0; x < end; x += 1) if (isSeen(x, y)) return x;
    return end;
  };
  const last = (y, end) => {
    for (let x = width - 1; x > end; x -= 1) if (isSeen(x, y)) return x;
    return end;
  };
  let [top, bottom] = [0, height - 1];
  while (top < height && first(top, width) === width) top += 1;
  if (top === height) return { top: 0, left: 0, width: 0, height: 0 };
  while (first(bottom, width) === width) bottom -= 1;
  let [left, right] = [width, -1];
  for (let y = top; y <= bottom; y += 1) {
    left = first(y, left);
    right = last(y, right);
  }
  return { top, left, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * The result as a Blob. cutout: straight RGBA {width, height, data}; placed: of geometry.layout;
 * options: {background: {kind: none|colour|picture, colour, picture}, shadowOpacity, format,
 * quality 1..100}; cast: its shadow, of shadow.castOf, or null.
 */
export async function render(cutout, placed, options, cast = null) {
  const format = resolvedFormat(options);
  const transparent = options.background.kind === "none";
  if (format === "mask") return encodePng(alphaOf(await straight(cutout, placed)));
  const shade = cast && { cast, perCent: options.shadowOpacity };
  if (format === "png" && transparent) return encodePng(await shaded(cutout, placed, shade));
  if (format === "zip") return colourAndAlpha(await shaded(cutout, placed, shade), options.quality);
  const background = format === "jpeg" && transparent ? WHITE : options.background;
  const canvas = paint(cutout, placed, background, shade);
  const blob = await toBlob(canvas, `image/${format}`, options.quality / 100);
  release(canvas);
  return blob;
}

const WHITE = { kind: "colour", colour: "#ffffff" };

async function shaded(cutout, placed, shade) {
  const pixels = await straight(cutout, placed);
  if (shade) layUnder(pixels, shade.cast, shade.perCent, placed);
  return pixels;
}

/** The result's straight RGBA pixels; exact if nothing is scaled. */
async function straight(cutout, { canvas: [width, height], content, drawn }) {
  if (drawn.width === content.width && drawn.height === content.height) {
    return windowOf(cutout, width, height, content, drawn);
  }
  const canvas = paint(cutout, { canvas: [width, height], content, drawn }, { kind: "none" });
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  release(canvas);
  return { width, height, channels: 4, data };
}

function windowOf(cutout, width, height, content, drawn) {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < drawn.height; y += 1) {
    const from = ((content.top + y) * cutout.width + content.left) * 4;
    const to = ((drawn.top + y) * width + drawn.left) * 4;
    data.set(cutout.data.subarray(from, from + drawn.width * 4), to);
  }
  return { width, height, channels: 4, data };
}

/** The result on a canvas, over its shadow and background. */
function paint(cutout, { canvas: [width, height], content, drawn }, background, shade = null) {
  const [canvas, context] = newCanvas(width, height);
  paintBackground(context, width, height, background);
  if (shade) paintShadow(context, shade.cast, shade.perCent, { content, drawn });
  const source = toCanvas(cutout);
  context.drawImage(
    source,
    content.left,
    content.top,
    content.width,
    content.height,
    drawn.left,
    drawn.top,
    drawn.width,
    drawn.height,
  );
  release(source);
  return canvas;
}

function paintBackground(context, width, height, { kind, colour, picture }) {
  if (kind === "colour") {
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
  }
  if (kind === "picture") {
    // covers the canvas, as CSS's `background-size: cover` does in the preview
    const scale = Math.max(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * scale, picture.height * scale];
    context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  }
}

function alphaOf({ width, height, data }) {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i += 1) grey[i] = data[4 * i + 3];
  return { width, height, channels: 1, data: grey };
}

/** Like the API's zip: color.jpg, black where the result is transparent, and alpha.png. */
async function colourAndAlpha(pixels, quality) {
  const opaque = new Uint8Array(pixels.data);
  for (let i = 0; i < opaque.length; i += 4) {
    if (opaque[i + 3] === 0) opaque.fill(0, i, i + 3);
    opaque[i + 3] = 255;
  }
  const canvas = toCanvas({ ...pixels, data: opaque });
  const colour = await toBlob(canvas, "image/jpeg", quality / 100);
  release(canvas);
  const alpha = await encodePng(alphaOf(pixels));
  const { zip } = await import("./zip.js");
  return zip([
    { name: "color.jpg", blob: colour },
    { name: "alpha.png", blob: alpha },
  ]);
}
