/** Delta PNG: the cut-out from the delta and the original that the browser already holds. */

import { decodePng } from "./png.js";

const RED = 0x000000ff;
const OPAQUE = 0xff000000;
const ALPHA_AND_RED = OPAQUE | RED;

/**
 * `bytes` of a Delta PNG and `original`, the RGBA pixels of the same upright picture
 * ({width, height, data}) -> the cut-out in the same form, colours straight.
 * Alpha 0 with red 255 stands for the original's pixel; everything else is the result itself.
 */
export async function restore(bytes, original) {
  const delta = await decodePng(bytes);
  const { width, height, data } = delta;
  if (delta.channels !== 4 || width !== original.width || height !== original.height) {
    throw new Error("The delta does not belong to this picture");
  }
  const [pixels, originals] = [words(data), words(original.data)];
  for (let i = 0; i < pixels.length; i += 1) {
    if ((pixels[i] & ALPHA_AND_RED) === RED) pixels[i] = originals[i] | OPAQUE;
  }
  return { width, height, data };
}

/** RGBA pixels as 32-bit numbers; alpha is the highest byte wherever browsers run. */
function words({ buffer, byteOffset, byteLength }) {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}
