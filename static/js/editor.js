/** The touch-up dialog: scribbles, brushes, whole subjects, edges; undo; mouse, pen, touch, keyboard. */

import { PlainStroke } from "./brush.js";
import { PLAIN, isSame } from "./editor-edges.js";
import { listenToKeys } from "./editor-keys.js";
import { largestRadius, layIn, scribbleOf, showMatte } from "./editor-mending.js";
import { Panel } from "./editor-panel.js";
import { listenToPointers } from "./editor-pointers.js";
import { Screen } from "./editor-screen.js";
import { Subjects } from "./editor-subjects.js";
import { Work } from "./editor-work.js";
import { text } from "./text.js";
import { View } from "./view.js";
import { photoOf } from "./work-copy.js";

const STEP = 1.4; // zoom a click
const MOST_OF_VIEW = 1 / 4; // the largest brush
const POINTER_SIZE = 24; // of the ring that chooses a subject by keyboard
const SCRIBBLES = ["keep", "remove"];
const PLAIN_BRUSHES = ["erase", "restore"];

export class Editor {
  #dialog;
  #box;
  #view;
  #screen;
  #panel;
  #keys;
  #work = null;
  #mender = null;
  #subjects = null;
  #photo = null; // RGBA of the picture, or of what stands in for it
  #stroke = null; // under way: {to(points), end(), cancel()}
  #pending = []; // scribbles that the server has not answered yet: {controller, trail}
  #queue = Promise.resolve(); // of their answers
  #plainStrokeEnded = Promise.resolve(); // a stroke and an answer must not become one step
  #cursor = [0, 0]; // of the keyboard, in the picture
  #hovered = null; // where the mouse is on the view
  #edgesBefore = null; // while a slider is dragged
  #applying = null; // AbortController, from "Apply" until the dialog closes
  #applied = null; // the cut-out to be handed out

  constructor(dialog) {
    this.#dialog = dialog;
    this.#box = dialog.querySelector("[data-role=view]");
    this.#screen = new Screen(dialog);
    this.#view = new View(this.#box, dialog.querySelector(".editor-picture"));
    this.#panel = new Panel(dialog, this.#actions());
    this.#box.addEventListener("zoom", () => this.#zoomed());
    listenToPointers(this.#box, this.#view, this.#gestures());
    this.#keys = listenToKeys(dialog, this.#screen.canvas, this.#keyActions());
    this.#listenToEnds();
  }

  /**
   * Let the visitor change a cut-out: straight RGBA, which is written to.
   * original: RGBA of the same size, or null where the browser could not read it. picture: a Blob to
   * show under the cut-out, or null. mender: what answers scribbles, or null.
   * Resolves to the changed cut-out, or to null if cancelled or unchanged.
   */
  async edit({ cutout, original, picture, mender }) {
    const state = { scribbles: [], mended: new Map(), dropped: new Set(), edges: PLAIN };
    this.#work = new Work(cutout, original, state);
    this.#mender = mender;
    this.#photo = original ?? this.#work.source;
    this.#subjects = new Subjects(cutout);
    this.#cursor = [cutout.width / 2, cutout.height / 2];
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#begin(picture);
    this.#prepare(original, picture);
    await new Promise((resolve) => this.#dialog.addEventListener("close", resolve, { once: true }));
    return this.#finish();
  }

  #begin(picture) {
    const { width, height } = this.#work.cutout;
    this.#screen.show(this.#work, this.#photo, picture);
    this.#view.show(width, height);
    const { list } = this.#subjects;
    this.#panel.listSubjects(list, this.#screen.canvas, (subject) => this.#screen.outline(subject?.box));
    this.#panel.tools = [
      ...(list.length ? ["subjects"] : []),
      ...(this.#mender ? SCRIBBLES : []),
      ...PLAIN_BRUSHES,
      "pan",
    ];
    this.#panel.tool = list.length ? "subjects" : this.#mender ? "keep" : "erase";
    this.#panel.isOriginalShown = false;
    this.#panel.say("");
    this.#showState();
  }

  /** Have the server ready for the first scribble. */
  async #prepare(original, picture) {
    const work = this.#work;
    try {
      const copy = await this.#mender?.prepare(work.cutout, !original);
      if (!copy || work !== this.#work) return;
      const { photo, blob } = await photoOf(copy, work.cutout);
      if (work !== this.#work) return;
      this.#screen.photo = this.#photo = photo;
      if (!picture) this.#screen.showOriginal(blob);
    } catch (error) {
      console.warn(error); // the first scribble says it
    }
  }

  #finish() {
    const cutout = this.#applied;
    this.#stopApplying();
    this.#screen.clear();
    this.#work = this.#mender = this.#subjects = this.#photo = this.#stroke = this.#edgesBefore = null;
    return cutout;
  }

  get #hasChanges() {
    return Boolean(this.#work) && (this.#work.canUndo || this.#pending.length > 0);
  }

  #actions() {
    return {
      undo: () => this.#undo(),
      redo: () => this.#redo(),
      reset: () => this.#reset(),
      "zoom-in": () => this.#view.zoomBy(STEP),
      "zoom-out": () => this.#view.zoomBy(1 / STEP),
      fit: () => this.#view.fit(),
      actual: () => this.#view.zoomBy(1 / this.#view.zoom),
      original: () => (this.#panel.isOriginalShown = !this.#dialog.hasAttribute("data-whole")),
      tool: () => this.#showRing(null),
      size: () => this.#showRing([this.#box.clientWidth / 2, this.#box.clientHeight / 2]),
      edges: (isFinal) => this.#moveEdges(isFinal),
      subject: (number) => this.#toggle(number),
    };
  }

  #gestures() {
    return {
      pans: () => {
        this.#screen.canvas.focus({ preventScroll: true });
        return this.#keys.pans() || this.#panel.tool === "pan";
      },
      begin: (point) => this.#beginStroke(this.#view.toPicture(point)),
      extend: (points) => this.#stroke?.to(points.map((point) => this.#view.toPicture(point))),
      end: () => this.#endStroke("end"),
      cancel: () => this.#endStroke("cancel"),
      hover: (point) => {
        this.#hovered = point;
        const { left, top } = this.#box.getBoundingClientRect();
        this.#showRing(point && [point[0] - left, point[1] - top]);
      },
    };
  }

  // Strokes

  #beginStroke(point) {
    if (this.#panel.isBusy) return;
    const { tool } = this.#panel;
    if (tool === "subjects") return this.#toggle(this.#subjects.at(point));
    if (tool === "pan") return;
    this.#stroke = SCRIBBLES.includes(tool) ? this.#scribble(tool) : this.#plainStroke();
    this.#stroke.to([point]);
  }

  #endStroke(how) {
    this.#stroke?.[how]();
    this.#stroke = null;
  }

  #plainStroke() {
    const { tool, hardness } = this.#panel.brush;
    const stroke = new PlainStroke(this.#work, { tool, radius: this.#radius, hardness });
    let ended;
    this.#plainStrokeEnded = new Promise((resolve) => (ended = resolve));
    const end = () => {
      this.#show(this.#work.commit());
      ended();
    };
    const to = (points) => {
      for (const point of points) this.#screen.paint(stroke.to(point));
    };
    return { to, end, cancel: end };
  }

  #scribble(label) {
    const [radius, line] = [this.#radius, []];
    const trail = this.#screen.trail(label, radius);
    const to = (points) => {
      line.push(...points);
      trail.draw(line);
    };
    const end = () => this.#send(scribbleOf(label, line, radius, this.#work.cutout), trail);
    return { to, end, cancel: () => trail.remove() };
  }

  /** In pixels of the picture. */
  get #radius() {
    const { tool, size } = this.#panel.brush;
    const radius = Math.max(0.5, size / 2 / this.#view.zoom);
    return SCRIBBLES.includes(tool) ? Math.min(radius, largestRadius(this.#work.cutout)) : radius;
  }

  // Scribbles

  #send(scribble, trail) {
    const pending = { controller: new AbortController(), trail };
    this.#pending.push(pending);
    this.#panel.say(text("editor.working"));
    this.#showSteps();
    this.#queue = this.#queue.then(() => this.#mend(this.#work, scribble, pending));
  }

  async #mend(work, scribble, pending) {
    const { signal } = pending.controller;
    let sentence = "";
    try {
      signal.throwIfAborted();
      const scribbles = [...work.state.scribbles, scribble];
      const preview = await this.#mender.preview(scribbles, work.cutout, signal);
      if (preview && !signal.aborted) this.#preview(work, preview, pending.trail);
      const patch = await this.#mender.patch(scribbles, signal);
      await this.#plainStrokeEnded;
      signal.throwIfAborted();
      this.#screen.paint(layIn(work, patch, scribbles));
      sentence = text(`editor.${scribble.label}`);
    } catch (error) {
      if (!signal.aborted) sentence = error.message;
    }
    this.#settle(work, pending, sentence);
  }

  #preview(work, mattes, trail) {
    trail.remove();
    showMatte(work, mattes, this.#photo, (tile, pixels) => this.#screen.overlay(tile, pixels));
  }

  #settle(work, pending, sentence) {
    pending.trail.remove();
    if (work !== this.#work) return;
    this.#pending = this.#pending.filter((other) => other !== pending);
    this.#panel.say(this.#pending.length ? text("editor.working") : sentence);
    if (!this.#pending.length) this.#screen.dropOverlay();
    this.#showState();
  }

  // Steps

  #undo() {
    if (this.#panel.isBusy) return;
    if (this.#pending.length) this.#abort(this.#pending.at(-1));
    else this.#step("undo");
  }

  /** Want no answer to a scribble any more. */
  #abort(pending) {
    pending.controller.abort();
    pending.trail.remove();
    this.#pending = this.#pending.filter((other) => other !== pending);
    this.#panel.say("");
    this.#showSteps();
  }

  #redo() {
    if (this.#panel.isBusy) return;
    if (!this.#pending.length) this.#step("redo"); // an answer that is awaited begins with this state
  }

  #step(direction) {
    const { edges } = this.#work.state;
    const box = this.#work[direction]();
    if (!box) return;
    this.#show(box);
    if (edges !== this.#work.state.edges) this.#screen.paintAll(this.#view.visible);
    this.#panel.say(text(`editor.${direction}`));
  }

  #reset() {
    for (const pending of this.#pending) this.#abort(pending);
    this.#show(this.#work.reset());
    this.#screen.paintAll(this.#view.visible);
  }

  #toggle(number) {
    if (!number) return;
    this.#show(this.#subjects.toggle(this.#work, number));
    const key = this.#work.state.dropped.has(number) ? "editor.subjectDropped" : "editor.subjectKept";
    this.#panel.say(text(key, { number }));
  }

  /** While the slider is dragged, show it; in the end, make it a step. */
  #moveEdges(isFinal) {
    const { edges } = this.#panel;
    this.#panel.edges = edges;
    if (!this.#edgesBefore && isSame(edges, this.#work.state.edges)) return;
    this.#edgesBefore ??= this.#work.state.edges;
    this.#work.state = { ...this.#work.state, edges };
    this.#screen.paintAll(this.#view.visible);
    if (!isFinal) return;
    this.#work.state = { ...this.#work.state, edges: this.#edgesBefore };
    this.#edgesBefore = null;
    this.#show(this.#work.commit({ ...this.#work.state, edges }));
  }

  /** Show a changed box, and what the state says. */
  #show(box) {
    this.#screen.paint(box);
    this.#showState();
  }

  #showState() {
    this.#panel.dropped = this.#work.state.dropped;
    this.#panel.edges = this.#work.state.edges;
    this.#showSteps();
  }

  #showSteps() {
    const { canUndo, canRedo } = this.#work;
    const isPending = this.#pending.length > 0;
    this.#panel.showSteps({ canUndo: canUndo || isPending, canRedo: canRedo && !isPending });
  }

  // View

  #zoomed() {
    this.#panel.zoom = this.#view.zoom;
    this.#panel.largestSize = this.#view.side * MOST_OF_VIEW;
  }

  #showRing(point) {
    const { tool } = this.#panel;
    const isHidden = !this.#work || tool === "pan" || (tool === "subjects" && this.#hovered);
    const side = tool === "subjects" ? POINTER_SIZE : 2 * (this.#work ? this.#radius : 0) * this.#view.zoom;
    this.#screen.ring(isHidden ? null : point, side, tool);
  }

  // Keys

  #keyActions() {
    return {
      undo: () => this.#undo(),
      redo: () => this.#redo(),
      leave: (event) => this.#leave(event),
      fit: () => this.#view.fit(),
      actual: () => this.#view.zoomBy(1 / this.#view.zoom),
      zoom: (factor) => this.#view.zoomBy(factor),
      original: (isShown) => (this.#panel.isOriginalShown = isShown),
      resize: (by) => {
        this.#panel.size = this.#panel.brush.size + by;
        this.#showCursor();
      },
      move: (by, isDrawing) => this.#moveCursor(by, isDrawing),
      dab: () => this.#dab(),
      endLine: () => this.#endStroke("end"),
      pan: (isOn) => this.#box.toggleAttribute("data-pans", isOn),
      isOverView: () => this.#hovered,
    };
  }

  #showCursor() {
    this.#hovered = null;
    this.#showRing(this.#view.toBox(this.#cursor));
  }

  #dab() {
    this.#beginStroke(this.#cursor);
    this.#endStroke("end");
    this.#showCursor();
  }

  /** Half a radius at a time; with `isDrawing`, paint on the way. */
  #moveCursor([x, y], isDrawing) {
    const { width, height } = this.#work.cutout;
    const step = Math.max(1, this.#radius / 2);
    const within = (value, limit) => Math.min(limit, Math.max(0, value));
    if (isDrawing && !this.#stroke) this.#beginStroke(this.#cursor);
    this.#cursor = [within(this.#cursor[0] + x * step, width), within(this.#cursor[1] + y * step, height)];
    if (isDrawing) this.#stroke?.to([this.#cursor]);
    this.#showCursor();
  }

  // Ends

  #listenToEnds() {
    this.#dialog.addEventListener("cancel", (event) => this.#leave(event)); // Android's back
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      if (event.submitter?.value === "apply") this.#apply(event);
      else this.#leave(event);
    });
    addEventListener("beforeunload", (event) => this.#hasChanges && event.preventDefault());
  }

  /** Apply what the server has still to answer, too. */
  async #apply(event) {
    event.preventDefault();
    this.#endStroke("end");
    if (this.#applying) return;
    this.#applying = new AbortController();
    const { signal } = this.#applying;
    try {
      await this.#queue;
      signal.throwIfAborted();
      if (this.#work.canUndo) this.#applied = await this.#bake(signal);
      this.#dialog.close("apply");
    } catch (error) {
      if (signal.aborted) return;
      console.warn(error); // no memory, most likely
      this.#stopApplying();
      this.#panel.say(text("error.render"));
    }
  }

  /** The edges move tile by tile, while nothing else may change. */
  #bake(signal) {
    const onShare = (share) => {
      if (!this.#panel.isBusy) this.#panel.say(text("editor.applying"));
      this.#panel.progress = share;
    };
    return this.#screen.bake({ signal, onShare });
  }

  #stopApplying() {
    this.#applying?.abort();
    this.#applying = this.#applied = null;
    if (this.#panel.isBusy) this.#panel.say("");
    this.#panel.progress = null;
  }

  /** Leave without changes; ask before any are lost. */
  async #leave(event) {
    event.preventDefault();
    this.#stopApplying();
    this.#endStroke("cancel");
    if (this.#hasChanges && !(await this.#mayDiscard())) return;
    for (const pending of this.#pending) this.#abort(pending);
    this.#dialog.close("cancel");
  }

  async #mayDiscard() {
    const question = document.getElementById("editor-discard");
    if (question.open) return false;
    question.returnValue = "";
    question.showModal();
    await new Promise((resolve) => question.addEventListener("close", resolve, { once: true }));
    return question.returnValue === "discard";
  }
}
