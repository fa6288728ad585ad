/**
 * The hour's free pictures, by the server's count: tells what is left before it is used up, lets
 * pictures start as long as there are any, and holds the others until the hour allows them.
 */

import { WAITING } from "./shelf.js";
import { text } from "./text.js";

const SETTLE_MS = 300; // several pictures that finish together ask once
const REFUSED_MS = 10_000; // after a refusal that the count did not tell of, so that nothing is sent in a loop
const AGAIN_S = 60; // offline, or where too few are left for the next picture's network

export class Quota {
  #url;
  #shelf;
  #networks;
  #notice;
  #isSignedIn;
  #limit;
  #left;
  #nextAt = null; // when one more is free: a Date, while none is left
  #started = new Set(); // pictures that the count does not hold yet
  #held = new Set(); // pictures, in the order they came
  #starts = new WeakMap(); // picture -> what starts it
  #timer = 0;

  constructor(workbench, shelf, networks) {
    const { endpoint, freeLimit, freeLeft, freeWait, account } = workbench.dataset;
    this.#url = `${endpoint}/allowance`;
    this.#shelf = shelf;
    this.#networks = networks;
    this.#notice = workbench.querySelector("#quota");
    this.#isSignedIn = Boolean(account);
    this.#take({ limit: Number(freeLimit), left: Number(freeLeft), wait: Number(freeWait) });
    document.addEventListener("visibilitychange", () => document.hidden || !this.#held.size || this.#ask());
  }

  /** Call `start()` for a picture when it may start; those of full resolution and samples may at once. */
  admit(picture, start) {
    if (picture.isFull || picture.sample) return start();
    if (!this.#starts.has(picture)) picture.addEventListener("change", () => this.#changed(picture));
    this.#starts.set(picture, start);
    if (this.#hasRoomFor(picture)) this.#start(picture);
    else this.#hold(picture);
  }

  /** The picture is taken off the page. */
  forget(picture) {
    this.#started.delete(picture);
    this.#held.delete(picture);
    this.#draw();
  }

  /** What it counts as, as removal/limits.py has it: the work of several pictures as several. */
  #costOf({ model }) {
    return Math.min(this.#limit, Math.max(1, Math.ceil(Number(this.#networks.factorOf(model)))));
  }

  get #free() {
    const taken = [...this.#started].reduce((sum, picture) => sum + this.#costOf(picture), 0);
    return Math.max(0, this.#left - taken);
  }

  #hasRoomFor(picture) {
    return this.#limit > 0 && this.#free >= this.#costOf(picture);
  }

  #start(picture) {
    this.#held.delete(picture);
    this.#started.add(picture);
    picture.isHeld = false;
    this.#draw();
    this.#starts.get(picture)();
  }

  /** Keep it in the browser too, so that it can still wait after signing in. */
  async #hold(picture) {
    this.#held.add(picture);
    picture.hold();
    this.#draw();
    const { id, name, file, model } = picture;
    if (file) picture.isShelved = await this.#shelf.put({ id, name, file, model, kind: WAITING });
  }

  #changed(picture) {
    if (picture.isHeld && this.#started.delete(picture)) {
      this.#left = 0; // more were used than this page knows of
      this.#hold(picture);
      return this.#askIn(REFUSED_MS);
    }
    if (!picture.settled || picture.isFull) return;
    this.forget(picture); // cancelled while it waited, too
    this.#askIn(SETTLE_MS);
  }

  #askIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    const answer = await fetch(this.#url).catch(() => null);
    if (!answer?.ok) return this.#askIn(AGAIN_S * 1000); // offline
    const told = await answer.json();
    // signed in meanwhile, on another page: this one comes back as theirs, with all its pictures
    if (told.signedIn !== this.#isSignedIn && this.#held.size && !this.#started.size) return location.reload();
    this.#take(told);
  }

  #take({ limit, left, wait }) {
    this.#limit = limit;
    this.#left = left;
    this.#nextAt = left ? null : new Date(Date.now() + wait * 1000);
    for (const picture of [...this.#held]) if (this.#hasRoomFor(picture)) this.#start(picture);
    this.#draw();
    if (this.#held.size) this.#askIn((wait || AGAIN_S) * 1000 + SETTLE_MS);
  }

  #draw() {
    const left = this.#free;
    this.#notice.hidden = left >= this.#limit && !this.#held.size;
    if (this.#notice.hidden) return;
    if (!this.#limit) return this.#say(text("quota.none"));
    const sentences = [text("quota.left", { left, limit: this.#limit })];
    if (this.#held.size) sentences.push(this.#wait());
    this.#say(sentences.join(" "));
  }

  #wait() {
    const count = this.#held.size;
    if (!this.#nextAt) return text("quota.waiting", { count });
    const time = this.#nextAt.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    return text("quota.waitingUntil", { count, time });
  }

  /** The notice is a live region: the same words are not said twice. */
  #say(sentence) {
    const line = this.#notice.querySelector(".quota-text");
    if (line.textContent !== sentence) line.textContent = sentence;
  }
}
