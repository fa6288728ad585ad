/** Full size on the card of a smaller, free result: its price, the way to an account and credits, and back. */

import { Picture } from "./picture.js";
import { limitedSize } from "./pixels/geometry.js";
import { inCredits } from "./price.js";
import { LARGER, WAITING } from "./shelf.js";
import { text } from "./text.js";
import { Wish } from "./wish.js";

export class Offers {
  #server;
  #shelf;
  #resolution;
  #queue;
  #on;
  #wish;
  #signUp; // where a visitor gets an account; "" for those who have one
  #pricing;
  #cards = new Map(); // picture -> {root, isShelved: promise of whether the browser has its photo, touchedUp: beside it, twin}

  /**
   * on: {complain(sentence, buy), announce(sentence), found(picture), replaced(picture, former id)}; `found`
   * tells that the size of its photo is known again. A picture of full size is cut out by the
   * `queue`, of `server`, beside the free one, which stays until it is there.
   */
  constructor(workbench, { server, shelf, resolution, queue, on }) {
    const { signUp, pricing, keptHours } = workbench.dataset;
    this.#server = server;
    this.#shelf = shelf;
    this.#resolution = resolution;
    this.#queue = queue;
    this.#on = on;
    this.#wish = new Wish(Number(keptHours));
    this.#signUp = signUp ?? "";
    this.#pricing = pricing;
    const buying = workbench.querySelector(".batch-lack a");
    buying.addEventListener("click", (event) => this.#leaveWithPriced(event, buying.href));
  }

  /** Make offers on a picture's card. */
  attach(picture, root) {
    const offer = { root: root.querySelector(".card-offer"), isShelved: null, touchedUp: null, twin: null };
    this.#cards.set(picture, offer);
    offer.root.querySelector("[data-offer=take]").addEventListener("click", () => this.#take(picture));
    offer.root.querySelector("[data-offer=cancel]").addEventListener("click", () => offer.twin?.cancel());
    picture.addEventListener("change", () => this.#changed(picture));
  }

  /** The picture is gone for good. */
  forget(picture) {
    this.#cards.get(picture)?.twin?.cancel();
    this.#cards.delete(picture);
    this.#shelf.delete(picture.id);
    if (this.#wish.id === picture.id) this.#wish.end();
  }

  /** Back from signing in or from buying: lead to the picture that they were for. */
  async comeBack() {
    const picture = [...this.#cards.keys()].find(({ id }) => id === this.#wish.id);
    if (this.#signUp || !picture) return;
    await picture.recall();
    await this.#cards.get(picture)?.isShelved;
    const { root } = this.#cards.get(picture) ?? {};
    if (!root || (root.hidden && picture.settled)) return this.#wish.end();
    root.closest(".card").scrollIntoView({ block: "center" });
    if (!picture.settled) return; // nobody kept its result: it is cut out once more
    root.querySelector("[data-offer=take]").focus({ preventScroll: true });
    const places = { name: picture.name, ...this.#price(picture), balance: inCredits(this.#resolution.balance) };
    this.#on.announce(text("offer.back", places));
  }

  #changed(picture) {
    const offer = this.#cards.get(picture);
    if (!offer) return;
    if (picture.state === "done") this.#keepInStep(picture, offer);
    else if (picture.settled && picture.isShelved)
      this.#shelf.delete(picture.id); // failed, or cancelled
    else if (picture.state === "waiting") offer.isShelved = null; // tried again
    this.#draw(picture);
  }

  #keepInStep(picture, offer) {
    const { isKept, touchedUp } = picture;
    const isTold = isKept || touchedUp === offer.touchedUp; // the server keeps its touch-up, or the browser does
    if (offer.isShelved && isTold) return;
    offer.touchedUp = touchedUp;
    offer.isShelved = this.#keepPhoto(picture);
  }

  /** Keep the photo in the browser where the server has only a smaller one, or find it there again. */
  async #keepPhoto(picture) {
    const { id, name, file, original, model } = picture;
    if (file && picture.isReduced) {
      const record = { id, name, file, model, size: original };
      if (picture.isKept) return this.#shelf.put({ ...record, kind: LARGER });
      return this.#shelf.put({ ...record, kind: WAITING, touchedUp: picture.touchedUp }); // nobody else has them
    }
    if (file) {
      if (picture.isShelved) this.#shelf.delete(id); // it waited there
      return true;
    }
    const record = await this.#shelf.get(id);
    if (!record?.size) return picture.isReduced; // the server has it, as this browser can't read it
    picture.original = record.size;
    this.#on.found(picture);
    this.#draw(picture);
    return true;
  }

  #draw(picture) {
    const { root, twin } = this.#cards.get(picture);
    const [line, progress, take, cancel] = [".offer-line", "progress", "[data-offer=take]", "[data-offer=cancel]"].map(
      (selector) => root.querySelector(selector),
    );
    root.hidden = picture.state !== "done" || !picture.isReduced || !picture.foreground.width;
    if (root.hidden) return;
    progress.hidden = cancel.hidden = !twin;
    take.hidden = Boolean(twin);
    take.textContent = this.#label(picture);
    take.setAttribute("aria-label", text("about", { name: picture.name, sentence: take.textContent }));
    line.textContent = twin ? statusOf(twin) : this.#lack(picture);
    line.hidden = !line.textContent;
    if (twin?.state === "uploading") progress.value = Math.round(twin.share * 100);
    else progress.removeAttribute("value");
  }

  /** The button that had the focus may be gone. */
  #drawEnd(picture) {
    const { root } = this.#cards.get(picture);
    const hadFocus = root.contains(document.activeElement);
    this.#draw(picture);
    const next = root.hidden
      ? root.closest(".card").querySelector("[data-action=download]")
      : root.querySelector("[data-offer=take]");
    if (hadFocus) next.focus({ preventScroll: true });
  }

  #label(picture) {
    const { original } = picture;
    const [width, height] = limitedSize(...original, this.#server.fullPixels);
    const isWhole = width === original[0] && height === original[1];
    return text(isWhole ? "offer.full" : "offer.limited", { width, height, ...this.#price(picture) });
  }

  #price(picture) {
    return { credits: inCredits(this.#resolution.offer(picture).amount) };
  }

  #lacking(picture) {
    const { balance } = this.#resolution;
    return balance === null ? 0 : Math.max(0, this.#resolution.offer(picture).amount - balance);
  }

  #lack(picture) {
    const lacking = this.#lacking(picture);
    return lacking ? text("lack", { credits: inCredits(lacking) }) : "";
  }

  async #take(picture) {
    if (this.#signUp) return this.#leave(picture, this.#signUp);
    if (this.#lacking(picture)) return this.#leave(picture, this.#pricesFor(picture));
    this.#wish.end();
    try {
      await this.#enlarge(picture);
    } catch (error) {
      console.warn(error);
      const sentence = error.key || !error.message ? text(error.key ?? "error.unexpected") : error.message;
      const buy = { address: this.#pricesFor(picture), act: (address) => this.#leave(picture, address) };
      const isShort = error.status === 402;
      this.#on.complain(text("about", { name: picture.name, sentence }), isShort ? buy : null);
    }
  }

  /** With all that the picture needs to be found again. */
  async #leave(picture, address) {
    const { inStep } = await import("./editor-material.js");
    const [isShelved] = await Promise.all([this.#cards.get(picture).isShelved, inStep(picture)]);
    if (!isShelved) return this.#on.complain(text("offer.notShelved", { name: picture.name }));
    this.#wish.make(picture.id);
    location.assign(address);
  }

  /** Those of full resolution that wait for credits come back, too. */
  async #leaveWithPriced(event, address) {
    event.preventDefault();
    for (const picture of this.#cards.keys()) {
      const { id, name, file, model, isFull, state } = picture;
      if (state !== "priced" || !file) continue;
      picture.isShelved = await this.#shelf.put({ id, name, file, model, isFull, kind: WAITING });
    }
    location.assign(address);
  }

  #pricesFor({ original: [width, height] }) {
    return `${this.#pricing}?${new URLSearchParams({ width, height })}`;
  }

  async #enlarge(picture) {
    const offer = this.#cards.get(picture);
    if (offer.twin) return;
    const twin = await this.#twinOf(picture);
    offer.twin = twin;
    twin.addEventListener("change", () => this.#cards.has(picture) && this.#draw(picture));
    this.#draw(picture);
    offer.root.querySelector("[data-offer=cancel]").focus();
    try {
      await new Promise((resolve) => this.#queue.add(() => twin.remove(this.#server).then(resolve)));
      if (twin.state !== "done") return this.#giveUp(twin);
      await this.#replace(picture, twin);
    } finally {
      offer.twin = null;
      if (twin.balance !== null) this.#resolution.balance = twin.balance;
      if (this.#cards.has(picture)) this.#drawEnd(picture);
    }
  }

  /** The same photo, to be cut out in full. */
  async #twinOf({ id, name, file, original, model }) {
    const { store } = this.#server;
    const photo = file ?? (await this.#shelf.get(id))?.file ?? (await store.file(id, "original"));
    const twin = new Picture(new File([photo], name, { type: photo.type }), { name });
    Object.assign(twin, { isFull: true, original, model });
    return twin;
  }

  #giveUp(twin) {
    if (twin.wasSent) this.#server.store.forget(twin.id).catch(() => {}); // else it expires
    if (twin.state === "failed") throw Object.assign(new Error(twin.message), { status: twin.status });
  }

  /** What was touched up is carried over; the free result goes. */
  async #replace(picture, twin) {
    const { store } = this.#server;
    try {
      await this.#carry(picture, twin);
    } catch (error) {
      console.warn(error); // what was paid for is shown all the same
      this.#on.complain(text("about", { name: picture.name, sentence: text("offer.notCarried") }));
    }
    if (!this.#cards.has(picture)) return store.forget(twin.id);
    const freeId = picture.id;
    picture.become(twin);
    this.#shelf.delete(freeId);
    store.forget(freeId).catch(() => {}); // else it expires
    this.#on.replaced(picture, freeId);
  }

  async #carry(picture, twin) {
    const untouched = await picture.untouched();
    if (!untouched) return;
    const [{ carry }, { keep }] = await Promise.all([import("./pixels/carry.js"), import("./editor-material.js")]);
    const full = await twin.cutout();
    const photo = twin.hasOriginal ? await twin.originalPixels() : null;
    await carry(full, photo, untouched, await picture.cutout());
    const png = await twin.replace(full);
    keep(twin, this.#server.store, png).catch(() => this.#on.complain(text("error.keep")));
  }
}

function statusOf({ state, share, busy }) {
  const key = state === "waiting" && busy ? "busy" : state === "done" ? "processing" : state;
  return text("offer.underWay", { status: text(key, { percent: Math.round(share * 100) }) });
}
