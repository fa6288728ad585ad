/** The page's entry: takes pictures in, sends them two at a time, shows each as a card. */

import { Card, placedBy } from "./card.js";
import { samples } from "./code.js";
import { Editor } from "./editor.js";
import { listen } from "./intake.js";
import { OptionsPanel } from "./options.js";
import { Picture } from "./picture.js";
import { extensionOf } from "./pixels/render.js";
import { Queue } from "./queue.js";
import { copy, download, downloadAll } from "./results.js";
import { text } from "./text.js";

const PARALLEL = 2;
const byId = (id) => document.getElementById(id);
const workbench = byId("workbench");
const server = {
  url: workbench.dataset.endpoint,
  csrfToken: workbench.querySelector("[name=csrfmiddlewaretoken]").value,
  maxBytes: Number(workbench.dataset.maxBytes),
  maxPixels: Number(workbench.dataset.maxPixels),
};
const panel = new OptionsPanel(byId("options"));
const editor = new Editor(byId("editor"));
const queue = new Queue(PARALLEL);
const cards = new Map(); // picture -> its card, in the order of arrival
const jobs = new Map(); // picture -> its job in the queue

const actions = {
  cancel: (picture) => picture.cancel(),
  retry: (picture) => {
    picture.reset();
    start(picture);
  },
  discard,
  download: (picture) => attempt(() => download(picture, panel.value)),
  "touch-up": (picture) => attempt(() => touchUp(picture)),
  copy: (picture) => attempt(() => copy(picture, panel.value), "error.copy", "copied"),
};

function add(files) {
  for (const file of files) show(new Picture(file));
}

function addLink(address) {
  show(new Picture(address));
}

function show(picture) {
  const card = new Card(picture, panel.value, actions);
  cards.set(picture, card);
  byId("pictures").append(card.root);
  workbench.toggleAttribute("data-filled", true);
  picture.addEventListener("change", () => settle(picture));
  start(picture);
}

function start(picture) {
  const objection = objectionTo(picture.file);
  if (objection) return picture.fail(objection);
  const job = () => picture.remove(server);
  jobs.set(picture, job);
  queue.add(job);
}

/** What can be told without reading the file. */
function objectionTo(file) {
  if (!file) return "";
  if (!file.size) return text("error.empty");
  if (file.type && !file.type.startsWith("image/")) return text("error.notAnImage");
  return "";
}

function settle(picture) {
  const { name, state } = picture;
  if (state === "cancelled") queue.withdraw(jobs.get(picture));
  if (picture.settled) jobs.delete(picture);
  if (state === "done") announce(text("announceDone", { name }));
  drawBatch();
}

function discard(picture) {
  const { root } = cards.get(picture);
  const next = root.nextElementSibling ?? root.previousElementSibling;
  cards.get(picture).remove();
  cards.delete(picture);
  workbench.toggleAttribute("data-filled", cards.size > 0);
  drawBatch();
  (next?.querySelector("button:not([hidden])") ?? byId("file-input")).focus();
}

function inState(state) {
  return [...cards.keys()].filter((picture) => picture.state === state);
}

/** Several results and several failures get one button for all. */
function drawBatch() {
  byId("download-all").hidden = inState("done").length < 2;
  byId("retry-all").hidden = inState("failed").length < 2;
  complainOfOptions();
}

function complainOfOptions() {
  try {
    for (const picture of inState("done")) placedBy(panel.value, picture);
    panel.complain("");
  } catch (error) {
    panel.complain(text(error.key));
  }
}

function announce(sentence) {
  byId("announcer").textContent = sentence;
}

/** Do what a button asks; a failure is told beside the options. */
async function attempt(work, failureKey = "error.render", successKey = null) {
  try {
    await work();
    if (successKey) announce(text(successKey));
  } catch (error) {
    console.warn(error);
    panel.complain(text(error.key ?? failureKey));
  }
}

async function touchUp(picture) {
  const original = picture.hasOriginal ? await picture.original() : null;
  const changed = await editor.edit(await picture.cutout(), original);
  if (changed) await picture.replace(changed);
}

async function addSample({ dataset: { sample, name } }) {
  const answer = await fetch(sample);
  const blob = await answer.blob();
  add([new File([blob], name, { type: blob.type })]);
}

function showCode() {
  const dialog = byId("code-dialog");
  const programs = samples(panel.value, extensionOf(panel.value));
  for (const code of dialog.querySelectorAll("[data-code]")) {
    code.textContent = programs[code.dataset.code];
  }
  dialog.showModal();
}

function copyCode({ dataset }) {
  const program = byId("code-dialog").querySelector(`[data-code="${dataset.copy}"]`).textContent;
  return attempt(() => navigator.clipboard.writeText(program), "error.copy", "copied");
}

function onClick(selector, action) {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener("click", () => action(button));
  }
}

listen(workbench, add, addLink);
panel.addEventListener("change", () => {
  for (const card of cards.values()) card.setOptions(panel.value);
  complainOfOptions();
});
onClick("[data-sample]", (button) => attempt(() => addSample(button), "error.sample"));
onClick("[data-close]", (button) => button.closest("dialog").close());
onClick("[data-copy]", copyCode);
onClick("#show-code", showCode);
onClick("#download-all", () => {
  announce(text("preparing"));
  attempt(() => downloadAll(inState("done"), panel.value));
});
onClick("#retry-all", () => inState("failed").forEach(actions.retry));
