/** The server's small copy of a photo, where the browser can't read the photo itself. */

import { release, toBlob, toCanvas } from "./pixels/canvas.js";

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
