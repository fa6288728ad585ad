/** Delta PNG: the cut-out from the delta and the original that the browser already holds. */

import { decodePng } from "./png.js";

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
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 0 && data[i] === 255) {
      data[i] = original.data[i];
      data[i + 1] = original.data[i + 1];
      data[i + 2] = original.data[i + 2];
      data[i + 3] = 255;
    }
  }
  return { width, height, data };
}
