/** A cut-out as a tab keeps it: compressed bytes, decoded again for each use. */

import { restore } from "./pixels/delta_png.js";
import { readAgain } from "./pixels/original.js";
import { decodePng, encodePng } from "./pixels/png.js";

/** Many of them fit into a tab, because only Blobs are kept. */
export class Cutout {
  original; // Blob
  #delta = null; // Blob, applies to the original
  #png = null; // Blob, complete: what the server sent, or the touched-up one
  #first = null; // of a touched-up one, as it came: {load(), isDelta}

  /**
   * result: a Blob, by default a PNG; with `isDelta` a delta PNG, which applies to `original`.
   * hasOriginal: whether the pixels of `original` are those that it was cut out of.
   * first: where `result` is touched up, what it came as: {load() -> Blob, isDelta}.
   */
  constructor(result, original, { isDelta = false, hasOriginal = isDelta, first = null } = {}) {
    this.original = original;
    this.#first = first;
    this.hasOriginal = hasOriginal;
    if (isDelta) this.#delta = result;
    else this.#png = result;
  }

  /** Straight RGBA {width, height, data}; `original`: the original's pixels, where they are known. */
  async pixels(original = null) {
    if (this.#png) return decodePng(await bytesOf(this.#png));
    return restore(await bytesOf(this.#delta), original ?? (await this.originalPixels()));
  }

  /** The touched-up one as a PNG, or null. */
  get touchedUp() {
    return this.#first && this.#png;
  }

  /** The same before it was touched up, or null where it was not. */
  async untouched() {
    if (!this.#first) return null;
    const bytes = await bytesOf(await this.#first.load());
    return this.#first.isDelta ? restore(bytes, await this.originalPixels()) : decodePng(bytes);
  }

  /** The original's pixels at the cut-out's size; only where `hasOriginal`. */
  originalPixels() {
    return readAgain(this.original);
  }

  /** Replace it by touched-up pixels; resolves to their PNG. */
  async replace(pixels) {
    const came = this.#png ?? this.#delta;
    this.#first ??= { load: async () => came, isDelta: !this.#png };
    this.#png = await encodePng({ ...pixels, channels: 4 });
    return this.#png;
  }
}

async function bytesOf(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}
