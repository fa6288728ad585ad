/** Reads the visitor's picture in the browser, and prepares the upload. */

import { newCanvas, release, toBlob, toCanvas, toPixels } from "./canvas.js";
import { limitedSize } from "./geometry.js";
import { pixelsOfJpeg } from "./jpeg.js";
import { encodePng } from "./png.js";

const PREVIEW_SIDE = Math.min(1280, Math.ceil(960 * devicePixelRatio)); // a card is 60rem at most
export const THUMBNAIL_SIDE = Math.min(480, PREVIEW_SIDE); // of photos that wait for their turn
const PREVIEW_QUALITY = 0.9;
// Of photos made smaller. At 1 Chromium keeps colour at full size, too; the next does for a file that
// is itself smaller than that.
const UPLOAD_QUALITIES = [1, 0.92];
const JPEG = "image/jpeg";
const EVERY_CANVAS = 4096 * 4096; // pixels that a canvas holds in every browser

/**
 * Read a picture file -> {upload, isExact, look()}, or null where this browser can't read it.
 * upload: the Blob to send. isExact: whether decoding the upload gives the very pixels that `look`
 * tells, so that a Delta PNG of it can be restored; not so where the picture has transparency of its
 * own, which a canvas would round.
 * look(): resolves to {size, preview, pixels}: [width, height] of the upright picture, a small Blob
 * to show and, where isExact, opaque RGBA pixels; to be called once.
 * A JPEG is opened only then, so that it can be on its way before; should this browser not be able to
 * read it after all, `look` resolves to null.
 * shrinks: whether to send a picture above `maxPixels` made smaller; else it goes as it is.
 */
export async function readOriginal(file, maxPixels, shrinks) {
  const pixels = await pixelsOfJpeg(file);
  if (pixels && pixels <= Math.min(maxPixels, EVERY_CANVAS)) {
    return { upload: file, isExact: true, look: () => lookAt(file) };
  }
  const [bitmap, type] = await opened(file);
  if (!bitmap) return null;
  const size = [bitmap.width, bitmap.height];
  const [width, height] = limitedSize(...size, maxPixels);
  const fits = width === bitmap.width && height === bitmap.height;
  if (!fits && !shrinks) {
    return { upload: file, isExact: false, look: () => seeOnly(bitmap, type) };
  }
  const nothing = { size, preview: null, pixels: null };
  const seen = await see(bitmap, width, height, type).catch(() => nothing);
  if (!seen.pixels || !isOpaque(seen.pixels.data)) {
    return { upload: file, isExact: false, look: async () => ({ ...seen, pixels: null }) };
  }
  if (fits) return { upload: file, isExact: true, look: async () => seen };
  return smaller(file, seen, type);
}

/** A photo made smaller: a JPEG as a JPEG, whose own pixels count from then on; others as a PNG. */
async function smaller(file, seen, type) {
  if (type !== JPEG) {
    const upload = await encodePng(withoutAlpha(seen.pixels));
    return { upload, isExact: true, look: async () => seen };
  }
  const canvas = toCanvas(seen.pixels);
  let upload = null;
  for (const quality of UPLOAD_QUALITIES) {
    upload = await toBlob(canvas, JPEG, quality);
    if (upload.size < file.size) break;
  }
  release(canvas);
  return { upload, isExact: true, look: async () => ({ ...seen, pixels: await readAgain(upload) }) };
}

/** {size, preview} of a picture file, as `look` tells them; null where it can't be read. */
export async function glance(file, side = PREVIEW_SIDE) {
  const [bitmap, type] = await opened(file);
  return bitmap && seeOnly(bitmap, type, side);
}

async function lookAt(file) {
  const [bitmap, type] = await opened(file);
  return bitmap && see(bitmap, bitmap.width, bitmap.height, type);
}

/** Decode the pixels of an exact upload again. */
export async function readAgain(upload) {
  const bitmap = await createImageBitmap(upload);
  const pixels = toPixels(bitmap);
  bitmap.close();
  return pixels;
}

/**
 * A Blob of at most `side` pixels a side, of an ImageBitmap or ImageData. JPEG and PNG: to
 * encode a WebP takes ten times as long. And createImageBitmap: a canvas scales more slowly.
 */
export async function previewOf(source, type = "image/png", side = PREVIEW_SIDE) {
  const scale = Math.min(1, side / Math.max(source.width, source.height));
  const [width, height] = [source.width, source.height].map((length) => Math.max(1, Math.round(length * scale)));
  const small = { resizeWidth: width, resizeHeight: height, resizeQuality: "high" };
  const bitmap = await createImageBitmap(source, small);
  const [canvas, context] = newCanvas(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const blob = await toBlob(canvas, type, PREVIEW_QUALITY);
  release(canvas);
  return blob;
}

/** The bitmap or null, and the preview's type: a JPEG has no alpha. */
async function opened(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  const [first, second, third] = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  const isJpeg = first === 0xff && second === 0xd8 && third === 0xff;
  return [bitmap, isJpeg ? JPEG : "image/png"];
}

async function see(bitmap, width, height, type) {
  const size = [bitmap.width, bitmap.height];
  const preview = await previewOf(bitmap, type);
  const pixels = toPixels(bitmap, width, height);
  bitmap.close();
  return { size, preview, pixels };
}

async function seeOnly(bitmap, type, side) {
  const size = [bitmap.width, bitmap.height];
  const preview = await previewOf(bitmap, type, side);
  bitmap.close();
  return { size, preview, pixels: null };
}

function isOpaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

function withoutAlpha({ width, height, data }) {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, channels: 3, data: rgb };
}
