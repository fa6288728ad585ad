/** The options panel: one set of options for all pictures. */

import { GeometryError, parseMargin, parseTarget } from "./pixels/geometry.js";
import { OPACITY } from "./pixels/shadow.js";
import { fillOf, marginFor } from "./fill.js";
import { optionsOf } from "./parameters.js";
import { text } from "./text.js";

const COLOURS = { white: "#ffffff", black: "#000000" };

/** `value` holds the last valid options; a "change" event fires when they change. */
export class OptionsPanel extends EventTarget {
  #form;
  #picture = null; // {bitmap, url} of the visitor's own background
  value;

  constructor(form) {
    super();
    this.#form = form;
    this.value = this.#read();
    form.addEventListener("input", (event) => this.#changed(event.target));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.elements.picture.addEventListener("change", () => this.#takePicture());
    this.#adapt();
  }

  /** Show why the options can't be applied; "" removes the message. */
  complain(message) {
    const line = this.#form.querySelector(".option-error");
    line.hidden = !message;
    line.textContent = message;
  }

  /** Set all options to what these parameters of the API mean. */
  apply(parameters) {
    const { background, colour, crop, margin, alignment, shadow, shadowOpacity, format, quality } = this.#form.elements;
    const wanted = optionsOf(parameters, this.value.maxPixels);
    if (wanted.background.kind === "none") background.value = "none";
    else {
      const named = Object.keys(COLOURS).find((name) => COLOURS[name] === wanted.background.colour);
      background.value = named ?? "colour";
      if (!named) colour.value = wanted.background.colour;
    }
    crop.checked = wanted.crop;
    margin.value = wanted.marginText;
    this.#applyTarget(wanted.targetText);
    alignment.value = wanted.alignment;
    shadow.value = wanted.shadow;
    shadowOpacity.value = wanted.shadowOpacity;
    format.value = wanted.format;
    quality.value = wanted.quality;
    this.#update();
  }

  #applyTarget(targetText) {
    const { size, width, height } = this.#form.elements;
    size.value = targetText;
    if (size.value === targetText) return; // a select has no value that is none of its options
    size.value = "custom";
    [width.value, height.value] = targetText.trim().split(/\s+/);
  }

  #changed(field) {
    if (field.name === "picture") return; // #takePicture fires the event once the file is read
    if (field.name === "colour") this.#form.elements.background.value = "colour";
    if (field.name === "shadow") this.#form.elements.shadowOpacity.value = OPACITY[field.value];
    if (field.name === "fill") this.#fill(Number(field.value));
    this.#update();
  }

  #update() {
    this.#adapt();
    try {
      this.value = this.#read();
    } catch (error) {
      if (!(error instanceof GeometryError)) throw error;
      return this.complain(text(error.key));
    }
    this.complain("");
    this.#showFill();
    this.dispatchEvent(new Event("change"));
  }

  /** The subject shall fill so much of the frame. */
  #fill(perCent) {
    const { crop, margin, fill } = this.#form.elements;
    if (!(perCent >= Number(fill.min) && perCent <= 100)) return;
    crop.checked = true;
    margin.value = marginFor(perCent, this.value.target);
  }

  #read() {
    const { crop, margin, alignment, shadow, shadowOpacity, format, quality } = this.#form.elements;
    const marginText = margin.value.trim() || "0";
    const targetText = this.#targetText();
    return {
      background: this.#background(),
      crop: crop.checked,
      margin: parseMargin(marginText),
      marginText,
      target: targetText ? parseTarget(targetText) : null,
      targetText,
      alignment: alignment.value,
      shadow: shadow.value,
      shadowOpacity: Number(shadowOpacity.value),
      format: format.value,
      quality: Number(quality.value),
      maxPixels: Number(this.#form.dataset.maxResultPixels),
    };
  }

  /** Unless it is being typed. */
  #showFill() {
    const { fill } = this.#form.elements;
    if (document.activeElement !== fill) fill.value = (this.value.crop && fillOf(this.value)) || "";
  }

  #background() {
    const { background, colour } = this.#form.elements;
    const kind = background.value;
    if (kind === "none") return { kind };
    if (kind === "picture") {
      if (!this.#picture) return { kind: "none" };
      return { kind, picture: this.#picture.bitmap, url: this.#picture.url };
    }
    return { kind: "colour", colour: COLOURS[kind] ?? colour.value };
  }

  #targetText() {
    const { size, width, height } = this.#form.elements;
    return size.value === "custom" ? `${width.value} ${height.value}` : size.value;
  }

  async #takePicture() {
    const [file] = this.#form.elements.picture.files;
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file);
      if (this.#picture) URL.revokeObjectURL(this.#picture.url);
      this.#picture = { bitmap, url: URL.createObjectURL(file) };
    } catch {
      return this.complain(text("error.backgroundPicture"));
    }
    this.#form.elements.background.value = "picture";
    this.#update();
  }

  /** Show only the options that currently have an effect. */
  #adapt() {
    const { size, shadow, shadowOpacity, format, background, quality } = this.#form.elements;
    const lossy = ["jpeg", "webp", "zip"].includes(format.value);
    const asked = {
      custom: size.value === "custom",
      target: size.value !== "",
      shadow: shadow.value !== "none",
      quality: lossy || (format.value === "auto" && background.value !== "none"),
    };
    for (const part of this.#form.querySelectorAll("[data-when]")) {
      part.hidden = !asked[part.dataset.when];
    }
    this.#form.querySelector(".quality-value").textContent = quality.value;
    this.#form.querySelector(".shadow-value").textContent = shadowOpacity.value;
  }
}
