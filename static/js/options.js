/** The options panel: one set of options for all pictures. */

import { backgroundOf } from "./background.js";
import { GeometryError, parseMargin, parseTarget } from "./pixels/geometry.js";
import { OPACITY } from "./pixels/shadow.js";
import { fillOf, marginFor } from "./fill.js";
import { optionsOf } from "./parameters.js";
import { text } from "./text.js";

const COLOURS = { white: "#ffffff", black: "#000000" };

/** `value` holds the last valid options; a "change" event fires when they change. */
export class OptionsPanel extends EventTarget {
  #form;
  #picture = null; // the visitor's own background, see background.js
  value;

  constructor(form) {
    super();
    this.#form = form;
    this.value = this.#read();
    form.addEventListener("input", (event) => this.#changed(event.target));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.elements.picture.addEventListener(
      "change",
      ({ target }) => target.files[0] && this.takePicture(target.files[0]),
    );
    form.elements.picture.addEventListener("cancel", () => this.#leaveChoice());
    form.querySelector(".swatch-picture").addEventListener("click", (event) => this.#clickedPicture(event));
    this.#adapt();
  }

  /** Show why the options can't be applied; "" removes the message. */
  complain(message) {
    const line = this.#form.querySelector(".option-error");
    const isNews = message && (line.hidden || line.textContent !== message);
    line.hidden = !message;
    line.textContent = message;
    if (isNews) line.scrollIntoView({ block: "nearest" });
  }

  /** The background as the form's value: none, white, black, colour or picture. */
  get kind() {
    return this.#form.elements.background.value;
  }

  set background(kind) {
    if (kind === "picture" && !this.#picture) {
      this.#form.elements.picture.click(); // which sets it
      return;
    }
    this.#form.elements.background.value = kind;
    this.#update();
  }

  /** The colour chosen for the background, whether it is in use or not. */
  get colour() {
    return this.#form.elements.colour.value;
  }

  set colour(colour) {
    this.#form.elements.colour.value = colour;
    this.background = "colour";
  }

  /** Set all options to what these parameters of the API mean. */
  apply(parameters) {
    this.show(optionsOf(parameters, this.value.maxPixels));
    this.#update();
  }

  /** Show options in the form, of another panel perhaps; fires no event. */
  show(options) {
    const { crop, margin, alignment, shadow, shadowOpacity, format, quality } = this.#form.elements;
    this.#showBackground(options.background);
    crop.checked = options.crop;
    margin.value = options.marginText;
    this.#applyTarget(options.targetText);
    alignment.value = options.alignment;
    shadow.value = options.shadow;
    shadowOpacity.value = options.shadowOpacity;
    format.value = options.format;
    quality.value = options.quality;
    this.value = options;
    this.#adapt();
    this.#showFill();
    this.complain("");
  }

  #showBackground(shown) {
    const { kind, colour } = shown;
    const { background, colour: field } = this.#form.elements;
    const named = Object.keys(COLOURS).find((name) => COLOURS[name] === colour);
    background.value = named ?? kind;
    if (kind === "colour" && !named) field.value = colour;
    if (kind === "picture") this.#picture = shown;
  }

  #applyTarget(targetText) {
    const { size, width, height } = this.#form.elements;
    size.value = targetText;
    if (size.value === targetText) return; // a select has no value that is none of its options
    size.value = "custom";
    [width.value, height.value] = targetText.trim().split(/\s+/);
  }

  #changed(field) {
    if (field.name === "picture") return; // takePicture fires the event once the file is read
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
    if (kind === "picture") return this.#picture ?? { kind: "none" };
    return { kind: "colour", colour: COLOURS[kind] ?? colour.value };
  }

  #targetText() {
    const { size, width, height } = this.#form.elements;
    return size.value === "custom" ? `${width.value} ${height.value}` : size.value;
  }

  /** Make a file the background. */
  async takePicture(file) {
    try {
      this.#picture = await backgroundOf(file);
    } catch {
      this.#leaveChoice();
      return this.complain(text("error.backgroundPicture"));
    }
    this.#form.elements.background.value = "picture";
    this.#update();
  }

  /** One click both chooses this background and asks for its picture; keys move through all kinds. */
  #clickedPicture(event) {
    if (event.target.matches("input") || !event.detail) return;
    event.preventDefault();
    this.background = "picture";
  }

  #leaveChoice() {
    if (this.kind === "picture" && !this.#picture) this.background = "none";
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
