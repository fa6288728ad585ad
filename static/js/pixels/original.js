/** The visitor's picture as this browser reads it, and what of it is sent to the server. */

import { newCanvas, release, toBlob, toPixels } from "./canvas.js";
import { limitedSize } from "./geometry.js";
import { encodePng } from "./png.js";

const PREVIEW_SIDE = 1280;
const PREVIEW_QUALITY = 0.9;

/**
 * Read a picture file -> {preview, pixels, upload}.
 * preview: a small Blob to show, null where this browser does not know the format.
 * pixels: opaque RGBA {width, height, data} of at most `maxPixels`, and upload a Blob whose decoding
 * gives these very pixels. Where that can't be (unknown format, too large for the browser, or
 * transparency of its own, which a canvas would round), pixels is null, upload the file as it is.
 */
export async function readOriginal(file, maxPixels) {
  const asItIs = { preview: null, pixels: null, upload: file };
  try {
    const bitmap = await createImageBitmap(file);
    const preview = await previewOf(bitmap);
    const [width, height] = limitedSize(bitmap.width, bitmap.height, maxPixels);
    const shrunk = width !== bitmap.width || height !== bitmap.height;
    const pixels = toPixels(bitmap, width, height);
    bitmap.close();
    if (!isOpaque(pixels.data)) return { ...asItIs, preview };
    const upload = shrunk ? await encodePng(withoutAlpha(pixels)) : file;
    return { preview, pixels, upload };
  } catch {
    return asItIs;
  }
}

/** The pixels once more, of an upload that came with pixels. */
export async function readAgain(upload) {
  const bitmap = await createImageBitmap(upload);
  const pixels = toPixels(bitmap);
  bitmap.close();
  return pixels;
}

/** A Blob of at most PREVIEW_SIDE pixels a side, of anything that can be drawn. */
export async function previewOf(source, type = "image/webp") {
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(source.width, source.height));
  const size = [source.width, source.height].map((side) => Math.max(1, Math.round(side * scale)));
  const [canvas, context] = newCanvas(...size);
  context.drawImage(source, 0, 0, ...size);
  const blob = await toBlob(canvas, type, PREVIEW_QUALITY).catch(() => toBlob(canvas, "image/png"));
  release(canvas);
  return blob;
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
