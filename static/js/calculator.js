/** The pricing page: updates the price while a picture's size is typed. */

import { inCredits, Tariff, thousandths } from "./price.js";

const form = document.querySelector("#size");
const { base, perMegapixel, maxPixels } = form.dataset;
const tariff = new Tariff(base, perMegapixel);
const price = document.querySelector("#per-picture");
const packs = document.querySelectorAll("[data-pack]");

form.addEventListener("input", show);

function show() {
  const pixels = form.width.valueAsNumber * form.height.valueAsNumber;
  const amount = form.checkValidity() ? tariff.of(Math.min(pixels, Number(maxPixels))) : null;
  tell(price, amount === null ? null : inCredits(amount));
  for (const pack of packs) {
    tell(pack, amount ? count(Math.floor(thousandths(pack.dataset.pack) / amount)) : null);
  }
}

/** Put the figure into the element's sentence; without a figure, empty it. */
function tell(element, figure) {
  element.hidden = figure === null;
  if (figure !== null) element.textContent = element.dataset.sentence.replace("{}", figure);
}

function count(number) {
  return number.toLocaleString(document.documentElement.lang);
}
