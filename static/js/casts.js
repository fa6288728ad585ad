/** The shadows of one cut-out, each made when it is first asked for. */

import { castOf } from "./pixels/shadow.js";

export class Casts {
  #picture;
  #made = new Map(); // kind -> promise of its cast

  constructor(picture) {
    this.#picture = picture;
  }

  /** The shadow of a kind, see pixels/shadow.js; null where there is none. */
  of(kind) {
    if (!this.#made.has(kind)) this.#made.set(kind, this.#make(kind));
    return this.#made.get(kind);
  }

  /** The cut-out has changed. */
  clear() {
    this.#made.clear();
  }

  async #make(kind) {
    const picture = this.#picture;
    const needsPhoto = kind === "natural";
    if (kind === "none" || (needsPhoto && !picture.hasOriginal)) return null;
    return oneAtATime(async () =>
      castOf(kind, await picture.cutout(), picture.foreground, needsPhoto && (await picture.originalPixels())),
    );
  }
}

let previous = Promise.resolve();

/** Waits for those before it: a shadow needs all pixels of its picture, and all cards ask at once. */
function oneAtATime(work) {
  previous = previous.catch(() => {}).then(work);
  return previous;
}
