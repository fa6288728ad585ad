/** Pictures that the server keeps, back in the page after a reload. */

import { Cutout } from "./cutout.js";
import { glance } from "./pixels/original.js";
import { thousandths } from "./price.js";

/** The state that a stored picture begins in, by the server's report of it. */
export const STATES = { working: "processing", done: "stored", failed: "failed" };

/** Fetch a stored result: {cutout, before, original, charged}, fields of a Picture. */
export async function fetched(store, id, { delta, touchedUp, charged, inputSize }) {
  const result = await store.file(id, touchedUp ? "touched-up" : "result");
  const original = await store.file(id, "original");
  const seen = await glance(original);
  const first = touchedUp ? { load: () => store.file(id, "result"), isDelta: delta } : null;
  const kind = { isDelta: delta && !touchedUp, hasOriginal: delta, first };
  return {
    cutout: new Cutout(result, original, kind),
    before: seen?.preview ?? null,
    original: seen?.size ?? inputSize,
    charged: thousandths(charged),
  };
}

/** A preview of the original that the server keeps, or null. */
export async function keptPreview(store, id) {
  const seen = await store
    .file(id, "original")
    .then(glance)
    .catch(() => null);
  return seen?.preview ?? null;
}
