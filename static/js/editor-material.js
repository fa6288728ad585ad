/** What the touch-up dialog needs of a picture, and what the server must know of its answer. */

import { Mender } from "./editor-mending.js";

const stored = new WeakMap(); // picture -> promise of whether the server has its touched-up cut-out

/** Once the server has what was touched up, or has failed to take it. */
export function inStep(picture) {
  return stored.get(picture) ?? Promise.resolve(true);
}

/** The argument of Editor.edit. Scribbles need a server that has the very cut-out. */
export async function materialOf(picture, store) {
  const isInStep = picture.isKept && picture.isMendable && (await inStep(picture));
  return {
    original: picture.hasOriginal ? await picture.originalPixels() : null,
    cutout: await picture.cutout(),
    picture: picture.photo,
    mender: isInStep ? new Mender(store, picture.id) : null,
  };
}

/** Store the touched-up cut-out on the server, if that has the picture. */
export async function keep(picture, store, png) {
  if (!picture.isKept) return;
  const storing = store.keep(picture.id, png);
  const isStored = storing.then(
    () => true,
    () => false,
  );
  stored.set(picture, isStored);
  await storing;
}
