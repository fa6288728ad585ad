/** Downloads of all pictures: asks where some are not ready yet, and waits for them if that is wished. */

import { isReady, isUnderWay } from "./bar.js";
import { text } from "./text.js";

const NAMED = 5; // of many pictures; the others are counted

export class Archive {
  #dialog;
  #on;
  #waiting = null; // {resolve} of whoever waits for the rest

  /** on: {pictures(), waiting(isOn)}; `waiting` shows that the download begins by itself. */
  constructor(dialog, on) {
    this.#dialog = dialog;
    this.#on = on;
  }

  /** All finished pictures, those that the server keeps included; null if nothing is to be downloaded now. */
  async collect() {
    this.stopWaiting(); // it is asked anew
    if (this.#missing().length && !(await this.#agreed())) return null;
    const ready = this.#on.pictures().filter(isReady);
    for (const picture of ready) await picture.recall();
    return ready.filter(({ state }) => state === "done");
  }

  /** A picture's state has changed. */
  check() {
    if (!this.#on.pictures().some(isUnderWay)) this.#end(true);
  }

  stopWaiting() {
    this.#end(false);
  }

  /** What is not among `collected`: a sentence, or "". */
  lacking(collected) {
    const missing = this.#on.pictures().filter((picture) => !collected.includes(picture));
    return missing.length ? text("zip.lacks", { names: listed(missing) }) : "";
  }

  #missing() {
    return this.#on.pictures().filter(isUnderWay);
  }

  /** Ask whether to wait for those that are under way, or to go without them. */
  async #agreed() {
    const dialog = this.#dialog;
    const ready = this.#on.pictures().filter(isReady).length;
    const missing = this.#missing();
    dialog.querySelector("#zip-missing").textContent = text("zip.missing", {
      count: missing.length,
      names: listed(missing),
    });
    const now = dialog.querySelector("[value=now]");
    now.textContent = text("zip.now", { count: ready });
    now.hidden = !ready;
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "wait") return dialog.returnValue === "now";
    if (!this.#missing().length) return true; // while the question stood
    this.#on.waiting(true);
    return new Promise((resolve) => {
      this.#waiting = { resolve };
    });
  }

  #end(isAgreed) {
    if (!this.#waiting) return;
    this.#waiting.resolve(isAgreed);
    this.#waiting = null;
    this.#on.waiting(false);
  }
}

function listed(pictures) {
  const names = pictures.slice(0, NAMED).map(({ name }) => name);
  const rest = pictures.length - names.length;
  return rest ? text("andMore", { names: names.join(", "), count: rest }) : names.join(", ");
}
