/** The server's small copy of a photo, where the browser can't read the photo itself. */

import { release, toBlob, toCanvas, toPixels } from "./pixels/canvas.js";

/** Its picture, opaque, on a canvas; the copy's alpha is the matte. */
export function photoCanvas({ width, height, data }) {
  const opaque = data.map((value, i) => (i % 4 === 3 ? 255 : value));
  return toCanvas({ width, height, data: opaque });
}

/** As a PNG; null where the server does not keep the photo, or is busy. */
export async function photoFrom(store, picture) {
  if (!picture.isKept) return null;
  const copy = await store.workCopy(picture.id).catch(() => null);
  if (!copy) return null;
  const canvas = photoCanvas(copy);
  const blob = await toBlob(canvas, "image/png");
  release(canvas);
  return blob;
}

/** The copy at the size of the cut-out, opaque: {photo: RGBA, blob}. */
export async function photoOf(copy, cutout) {
  const canvas = photoCanvas(copy);
  const blob = await toBlob(canvas, "image/png");
  const photo = toPixels(canvas, cutout.width, cutout.height);
  release(canvas);
  return { photo, blob };
}
