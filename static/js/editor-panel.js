/** The touch-up dialog's controls: tools, brush, edges, backdrop, subjects. */

import { text } from "./text.js";

const DARK = "(prefers-color-scheme: dark)";

export class Panel {
  #dialog;
  #form;

  /** on: functions by name: each button's data-tool, `tool`, `edges(isFinal)`, `subject(number)`. */
  constructor(dialog, on) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    if (matchMedia(DARK).matches) this.#form.elements.backdrop.value = "dark";
    for (const button of this.#form.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => on[button.dataset.tool]());
    }
    this.#form.addEventListener("input", ({ target }) => this.#changed(target, on, false));
    this.#form.addEventListener("change", ({ target }) => this.#changed(target, on, true));
    const more = this.#form.querySelector(".editor-more");
    more.addEventListener("toggle", () => more.open && more.scrollIntoView({ block: "nearest" }));
    this.#showBackdrop();
  }

  get tool() {
    return this.#form.elements.tool.value;
  }

  set tool(name) {
    this.#form.elements.tool.value = name;
    this.#dialog.dataset.tool = name;
  }

  /** {tool, size in pixels of the screen, hardness 0..1}. */
  get brush() {
    const { size, hardness } = this.#form.elements;
    return { tool: this.tool, size: Number(size.value), hardness: hardness.value / 100 };
  }

  set size(pixels) {
    this.#form.elements.size.value = pixels;
  }

  set largestSize(pixels) {
    this.#form.elements.size.max = Math.max(8, Math.floor(pixels));
  }

  get edges() {
    const { offset, softness } = this.#form.elements;
    return { offset: Number(offset.value), softness: Number(softness.value) };
  }

  set edges(edges) {
    for (const [name, value] of Object.entries(edges)) {
      this.#form.elements[name].value = value;
      this.#form.elements[name].nextElementSibling.value = `${value} px`;
    }
  }

  set zoom(zoom) {
    this.#form.querySelector(".zoom-value").textContent = `${Math.round(zoom * 100)} %`;
  }

  set isOriginalShown(isShown) {
    this.#dialog.toggleAttribute("data-whole", isShown);
    this.#form.querySelector("[data-tool=original]").setAttribute("aria-pressed", isShown);
  }

  /** Offer these tools only; where those are missing that need the server, say why. */
  set tools(names) {
    const hasScribbles = names.includes("keep");
    this.#form.querySelector(".tool-note").hidden = hasScribbles;
    this.#form.querySelector("[data-role=scribbles]").hidden = !hasScribbles;
    for (const label of this.#form.querySelectorAll("[data-tool-of]")) {
      label.hidden = !names.includes(label.dataset.toolOf);
      label.querySelector("input").disabled = label.hidden;
    }
  }

  showSteps({ canUndo, canRedo }) {
    this.#form.querySelector("[data-tool=undo]").disabled = !canUndo;
    this.#form.querySelector("[data-tool=redo]").disabled = !canRedo;
  }

  /** Whether the dialog waits for a progress to end. */
  get isBusy() {
    return !this.#progress.hidden;
  }

  /** The share that is done, 0 to 1: only the dialog's ends can be used meanwhile. null: all can. */
  set progress(share) {
    this.#progress.hidden = share === null;
    this.#progress.value = share ?? 0;
    for (const part of this.#form.querySelectorAll(".editor-tools, .editor-picture")) part.inert = this.isBusy;
  }

  get #progress() {
    return this.#form.querySelector("progress");
  }

  say(sentence) {
    this.#dialog.querySelector(".editor-status").textContent = sentence;
  }

  /** A checkbox for each subject, with a small picture of it; `point(subject or null)` while it is
   * looked at. */
  listSubjects(subjects, canvas, point) {
    const list = this.#form.querySelector(".subjects");
    for (const label of list.querySelectorAll(".subject")) label.remove();
    for (const subject of subjects) {
      const label = this.#dialog.querySelector("#editor-subject").content.cloneNode(true).firstChild;
      const box = label.querySelector("input");
      [box.name, box.value] = ["subject", subject.number];
      label.querySelector("span").textContent = text("editor.subject", subject);
      drawThumbnail(label.querySelector("canvas"), canvas, subject.box);
      for (const type of ["pointerenter", "focusin"]) label.addEventListener(type, () => point(subject));
      for (const type of ["pointerleave", "focusout"]) label.addEventListener(type, () => point(null));
      list.append(label);
    }
  }

  /** Check the subjects that are kept. */
  set dropped(numbers) {
    for (const box of this.#form.querySelectorAll("[name=subject]")) {
      box.checked = !numbers.has(Number(box.value));
    }
  }

  #changed(target, on, isFinal) {
    if (target.name === "tool") this.tool = target.value;
    if (target.name === "tool" && isFinal) on.tool();
    if (target.name === "size") on.size();
    if (["offset", "softness"].includes(target.name)) on.edges(isFinal);
    if (target.name === "subject" && isFinal) on.subject(Number(target.value));
    if (target.name === "backdrop-colour") this.#form.elements.backdrop.value = "colour";
    if (target.name.startsWith("backdrop")) this.#showBackdrop();
  }

  #showBackdrop() {
    const { backdrop, "backdrop-colour": colour } = this.#form.elements;
    this.#dialog.dataset.backdrop = backdrop.value;
    this.#dialog.style.setProperty("--backdrop", colour.value);
  }
}

function drawThumbnail(small, canvas, { left, top, right, bottom }) {
  const [width, height] = [right - left, bottom - top];
  const scale = Math.min(small.width / width, small.height / height);
  const place = [(small.width - width * scale) / 2, (small.height - height * scale) / 2];
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, left, top, width, height, ...place, width * scale, height * scale);
}
