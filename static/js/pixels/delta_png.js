/** Delta PNG: the cut-out from the delta and the original that the browser already holds. */

import { openPng } from "./png.js";

const RED = 0x000000ff;
const ALPHA_AND_RED = 0xff0000ff | 0;

/**
 * `bytes` of a Delta PNG and `original`, the opaque RGBA pixels of the same upright picture
 * ({width, height, data}), which become those of the cut-out, with straight colours: in place, to
 * save memory.
 * Alpha 0 with red 255 stands for the original's pixel; everything else is the result itself.
 */
export async function restore(bytes, { width, height, data }) {
  const delta = await openPng(bytes);
  if (delta.channels !== 4 || width !== delta.width || height !== delta.height) {
    throw new Error("The delta does not belong to this picture");
  }
  const { buffer, byteOffset, byteLength } = data;
  delta.eachRow((row, y) => replace(row, new Uint32Array(buffer, byteOffset + 4 * y * width, width)));
  return { width, height, data: new Uint8Array(buffer, byteOffset, byteLength) };
}

/** RGBA pixels as 32-bit numbers; alpha is the highest byte wherever browsers run. */
function replace(row, pixels) {
  const deltas = new Uint32Array(row.buffer, row.byteOffset, pixels.length);
  for (let i = 0; i < pixels.length; i += 1) {
    if ((deltas[i] & ALPHA_AND_RED) !== RED) pixels[i] = deltas[i];
  }
}
