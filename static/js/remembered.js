/** Options across reloads, as long as the pictures that they are for may be kept. */

import { completed, storable } from "./own-options.js";
import { optionsOf, parametersOf } from "./parameters.js";

const KEY = "options";
const HOUR_MS = 3_600_000;

export class Remembered {
  #hours;

  /** `ids`: of the pictures that the server keeps; of others nothing is remembered any longer. */
  constructor(hours, ids) {
    this.#hours = hours;
    const { own } = read();
    const left = Object.entries(own).filter(([id]) => ids.includes(id));
    if (left.length < Object.keys(own).length) this.#write({ own: Object.fromEntries(left) });
  }

  /** The options of all pictures as the API's parameters, or null. */
  get general() {
    return read().general;
  }

  /** What differs for one picture alone. */
  ownOf(id) {
    return read().own[id] ?? {};
  }

  keepGeneral(options) {
    this.#write({ general: Object.fromEntries(parametersOf(options)) });
  }

  /** `own` of a picture as it is now, or {}. */
  keepOwn({ id, own }) {
    const { [id]: earlier, ...others } = read().own; // other tabs write, too
    const now = storable(own);
    if (Object.keys(now).length) this.#write({ own: { ...others, [id]: now } });
    else if (earlier) this.#write({ own: others });
  }

  #write(part) {
    const until = Date.now() + this.#hours * HOUR_MS;
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...read(), ...part, until }));
    } catch (error) {
      console.warn(error); // the browser stores nothing: they end with the page
    }
  }
}

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    const { until, general = null, own } = kept;
    if (until > Date.now() && (!general || optionsOf(general, 0))) return { general, own: sound(own) };
  } catch {
    // none, or written by somebody else
  }
  return { general: null, own: {} };
}

function sound(own) {
  const isSound = (options) => Boolean(completed({ marginText: "0", targetText: "", ...options }));
  return own && Object.values(own).every(isSound) ? own : {};
}
