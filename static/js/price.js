/** The price of full resolution: the browser's twin of billing/pricing.py, in thousandths. */

import { roundHalfUp } from "./pixels/geometry.js";

const MEGAPIXEL = 1_000_000n;

/** `base` and `perMegapixel`: decimal numbers of credits, as text. */
export class Tariff {
  #base;
  #perMegapixel;

  constructor(base, perMegapixel) {
    this.#base = decimal(base);
    this.#perMegapixel = decimal(perMegapixel);
  }

  /**
   * The price of a picture with `pixels` pixels in thousandths; exact, so with BigInt.
   * factor: of its network, as text.
   */
  of(pixels, factor = "1") {
    const [base, rate, times] = [this.#base, this.#perMegapixel, decimal(factor)];
    const numerator = base.units * rate.scale * MEGAPIXEL + rate.units * base.scale * BigInt(pixels);
    return roundHalfUp(numerator * times.units * 1000n, base.scale * rate.scale * times.scale * MEGAPIXEL);
  }
}

function decimal(text) {
  const [whole, part = ""] = text.split(".");
  return { units: BigInt(whole + part), scale: 10n ** BigInt(part.length) };
}

/** "0.65" -> 650; null if missing. */
export function thousandths(text) {
  return text ? Math.round(Number(text) * 1000) : null;
}

/** 650 -> "0.650", 12000 -> "12": the format of the account pages. */
export function inCredits(amount) {
  const places = amount % 1000 ? 3 : 0;
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  return (amount / 1000).toLocaleString(document.documentElement.lang, digits);
}
