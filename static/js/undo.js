/** Removed pictures can be brought back for a while; only then are they deleted. */

import { text } from "./text.js";

const WHILE_MS = 10_000;

export class Undo {
  #toasts;
  #on;
  #pending = new Map(); // picture -> {toast, timer}

  /**
   * on: {restore(picture), delete(picture), leave()}; `leave` takes the focus when the button that
   * has it goes. Whatever is pending is deleted when the page is left.
   */
  constructor(toasts, on) {
    this.#toasts = toasts;
    this.#on = on;
    addEventListener("pagehide", () => this.deleteAll());
    addEventListener("keydown", (event) => this.#shortcut(event));
  }

  /** Offer to bring back a picture that has just left the page. */
  offer(picture) {
    const { name } = picture;
    const description = text("undoOf", { name });
    const toast = this.#toasts.offer(text("removed", { name }), text("undo"), description, () => this.#undo(picture));
    const timer = setTimeout(() => this.#delete(picture), WHILE_MS);
    this.#pending.set(picture, { toast, timer });
    toast.querySelector("button").focus({ preventScroll: true });
  }

  has(picture) {
    return this.#pending.has(picture);
  }

  deleteAll() {
    for (const picture of [...this.#pending.keys()]) this.#delete(picture);
  }

  #undo(picture) {
    this.#close(picture);
    this.#on.restore(picture);
  }

  #delete(picture) {
    const hadFocus = this.#close(picture);
    this.#on.delete(picture);
    if (hadFocus) this.#on.leave();
  }

  #close(picture) {
    const { toast, timer } = this.#pending.get(picture);
    const hadFocus = toast.contains(document.activeElement);
    clearTimeout(timer);
    toast.remove();
    this.#pending.delete(picture);
    return hadFocus;
  }

  /** Ctrl+Z brings back the last one, unless it is meant for a field or a dialog. */
  #shortcut(event) {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (!isUndo || !this.#pending.size || event.target.closest("dialog, textarea, input:not([type=radio])")) return;
    event.preventDefault();
    this.#undo([...this.#pending.keys()].at(-1));
  }
}
