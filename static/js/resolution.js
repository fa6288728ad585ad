/** Full resolution for credits: the choice, the price and the charge. */

import { Tariff, inCredits, thousandths } from "./price.js";
import { text } from "./text.js";

export class Resolution {
  #choice; // the fieldset, null where nobody is signed in
  #bar;
  #tariff;
  #networks;
  #fullPixels;
  #balance;

  constructor(workbench, networks) {
    this.#networks = networks;
    const { priceBase, pricePerMegapixel, fullPixels, balance } = workbench.dataset;
    this.#choice = workbench.querySelector("#resolution");
    this.#bar = workbench.querySelector("#batch");
    this.#tariff = new Tariff(priceBase, pricePerMegapixel);
    this.#fullPixels = Number(fullPixels);
    this.#balance = thousandths(balance);
    this.#showBalance();
  }

  /** Whether the next pictures use full resolution. */
  get isFull() {
    return this.#choice?.querySelector(":checked").value === "full";
  }

  /** A picture's price: {amount, isExact}; at most `amount` if its size is unknown. */
  offer({ original, model }) {
    const pixels = Math.min(original ? original[0] * original[1] : Infinity, this.#fullPixels);
    const amount = this.#tariff.of(pixels, this.#networks.factorOf(model));
    return { amount, isExact: Boolean(original) };
  }

  /** Thousandths of a credit; null where nobody is signed in. */
  get balance() {
    return this.#balance;
  }

  /** Record the balance from an answer. */
  set balance(amount) {
    this.#balance = amount;
    this.#showBalance();
  }

  /** Show the price of the waiting pictures, or the charge for the finished ones. */
  draw(pictures) {
    const full = pictures.filter((picture) => picture.isFull);
    const waiting = full.filter(({ state }) => state === "priced");
    const underWay = full.some((picture) => !picture.settled && picture.state !== "priced");
    this.#bar.hidden = !full.length;
    const lacks = this.#lack(waiting);
    this.#part(".batch-price").textContent = waiting.length ? this.#priceOf(waiting) : this.#chargeOf(full);
    this.#part(".batch-lack").hidden = !lacks;
    this.#part(".batch-lack-text").textContent = lacks ? text("lack", { credits: inCredits(lacks) }) : "";
    this.#part("#start").hidden = !waiting.length || lacks > 0;
    this.#part("#start").disabled = underWay && full.some(({ state }) => state === "reading");
  }

  #priceOf(waiting) {
    const offers = waiting.map((picture) => this.offer(picture));
    const total = offers.reduce((sum, { amount }) => sum + amount, 0);
    const key = offers.every(({ isExact }) => isExact) ? "batchPrice" : "batchPriceAtMost";
    return text(key, { count: waiting.length, credits: inCredits(total) });
  }

  #chargeOf(full) {
    const total = full.reduce((sum, { charged }) => sum + charged, 0);
    return text("batchCharged", { credits: inCredits(total), balance: inCredits(this.#balance) });
  }

  /** The missing thousandths for the pictures with a known price. */
  #lack(waiting) {
    const known = waiting.map((picture) => this.offer(picture)).filter(({ isExact }) => isExact);
    const total = known.reduce((sum, { amount }) => sum + amount, 0);
    return Math.max(0, total - (this.#balance ?? 0));
  }

  #showBalance() {
    if (!this.#choice) return;
    this.#choice.querySelector(".balance").textContent = text("balance", {
      credits: inCredits(this.#balance),
    });
  }

  #part(selector) {
    return this.#bar.querySelector(selector);
  }
}
