/** The page's entry: takes pictures in, sends them two at a time, shows each as a card. */

import { Resolution } from "./resolution.js";
import { Card, placedBy } from "./card.js";
import { samples } from "./code.js";
import { keep, materialOf } from "./editor-material.js";
import { Editor } from "./editor.js";
import { listen } from "./intake.js";
import { OptionsPanel } from "./options.js";
import { Picture } from "./picture.js";
import { extensionOf } from "./pixels/render.js";
import { Queue } from "./queue.js";
import { Recipes } from "./recipes.js";
import { restore, tellOfLost } from "./reload.js";
import { copy, download, downloadAll, downloadRecipes } from "./results.js";
import { PictureStore } from "./store.js";
import { text } from "./text.js";

const PARALLEL = 2;
const byId = (id) => document.getElementById(id);
const workbench = byId("workbench");
const csrfToken = workbench.querySelector("[name=csrfmiddlewaretoken]").value;
const { endpoint, maxBytes, maxPixels, fullPixels } = workbench.dataset;
const store = new PictureStore(endpoint, csrfToken);
const server = {
  url: endpoint,
  csrfToken,
  store,
  maxBytes: Number(maxBytes),
  freePixels: Number(maxPixels),
  fullPixels: Number(fullPixels),
};
const panel = new OptionsPanel(byId("options"));
const recipes = new Recipes(byId("recipes"), panel, { csrfToken, announce, several: downloadSeveral });
const resolution = new Resolution(workbench);
const editor = new Editor(byId("editor"));
const queue = new Queue(PARALLEL);
const cards = new Map(); // picture -> its card, in the order of arrival
const jobs = new Map(); // picture -> its job in the queue

const actions = {
  cancel: (picture) => {
    picture.cancel();
    forget(picture);
  },
  retry: (picture) => {
    picture.reset();
    start(picture);
  },
  discard,
  download: (picture) => attempt(() => download(picture, panel.value)),
  "touch-up": (picture) => attempt(() => touchUp(picture)),
  copy: (picture) => attempt(() => copyPicture(picture), "error.copy", "copied"),
};

function add(sources) {
  for (const source of sources) {
    const picture = new Picture(source);
    picture.isFull = resolution.isFull;
    show(picture);
    start(picture);
    if (source === sources[0]) cards.get(picture).root.scrollIntoView({ block: "nearest" });
  }
}

function show(picture) {
  const card = new Card(picture, panel.value, actions, (shown) => resolution.offer(shown));
  cards.set(picture, card);
  byId("pictures").append(card.root);
  workbench.toggleAttribute("data-filled", true);
  picture.addEventListener("change", () => settle(picture));
  return card;
}

function start(picture) {
  const objection = objectionTo(picture.file);
  if (objection) return picture.fail(objection);
  const work = () => (picture.needsPrice ? picture.appraise(server) : picture.remove(server));
  jobs.set(picture, work);
  queue.add(work);
}

/** Errors that are known without reading the file. */
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
  if (picture.balance !== null) resolution.balance = picture.balance;
  picture.balance = null;
  if (state === "done") announce(text("announceDone", { name }));
  drawResolution();
}

function discard(picture) {
  const { root } = cards.get(picture);
  const next = root.nextElementSibling ?? root.previousElementSibling;
  forget(picture);
  drop(picture);
  (next?.querySelector("button:not([hidden])") ?? byId("file-input")).focus();
}

function drop(picture) {
  queue.withdraw(jobs.get(picture));
  cards.get(picture).remove();
  cards.delete(picture);
  workbench.toggleAttribute("data-filled", cards.size > 0);
  drawResolution();
}

/** Delete a picture's files on the server. */
function forget(picture) {
  if (picture.wasSent) attempt(() => store.forget(picture.id), "error.forget");
}

async function forgetAll() {
  const dialog = byId("forget-dialog");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "delete") return;
  await store.forgetAll();
  for (const picture of [...cards.keys()]) {
    picture.cancel();
    drop(picture);
  }
  announce(text("forgotten"));
  byId("file-input").focus();
}

function inState(state) {
  return [...cards.keys()].filter((picture) => picture.state === state);
}

/** Show buttons for all results and all failures, if there are several. */
function drawResolution() {
  byId("download-all").hidden = inState("done").length + inState("stored").length < 2;
  byId("retry-all").hidden = inState("failed").length < 2;
  resolution.draw([...cards.keys()]);
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

/** Run a button's action; a failure is shown beside the options. */
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
  const changed = await editor.edit(await materialOf(picture, store));
  if (!changed) return;
  const png = await picture.replace(changed);
  attempt(() => keep(picture, store, png), "error.keep");
}

async function addSample({ dataset: { sample, name } }) {
  const answer = await fetch(sample);
  const blob = await answer.blob();
  add([new File([blob], name, { type: blob.type })]);
}

async function copyPicture(picture) {
  await copy(picture, panel.value);
  confirmOn(cards.get(picture)?.root.querySelector("[data-action=copy]"));
}

/** Visual feedback: the button says for a moment that it has copied. */
function confirmOn(button) {
  if (!button) return; // its card is gone
  button.dataset.label ??= button.textContent;
  button.textContent = text("copied");
  setTimeout(() => {
    button.textContent = button.dataset.label;
  }, 2000);
}

function showCode() {
  const dialog = byId("code-dialog");
  const hasPicture = panel.value.background.kind === "picture";
  const options = hasPicture ? { ...panel.value, background: { kind: "none" } } : panel.value;
  const programs = samples(options, extensionOf(options), recipes.current);
  byId("code-without-picture").hidden = !hasPicture;
  for (const code of dialog.querySelectorAll("[data-code]")) {
    code.textContent = programs[code.dataset.code];
  }
  dialog.showModal();
}

async function copyCode(button) {
  const code = byId("code-dialog").querySelector(`[data-code="${button.dataset.copy}"]`);
  await navigator.clipboard.writeText(code.textContent);
  confirmOn(button);
}

async function downloadEverything() {
  await downloadAll(await finished(), panel.value);
}

function downloadSeveral(chosen) {
  return attempt(async () => {
    const pictures = await finished();
    if (!pictures.length) return panel.complain(text("recipe.nothing"));
    await downloadRecipes(pictures, chosen, panel.value.maxPixels);
  });
}

/** All finished pictures, those that the server keeps included. */
async function finished() {
  announce(text("preparing"));
  for (const picture of inState("stored")) await picture.recall();
  return inState("done");
}

function onClick(selector, action) {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener("click", () => action(button));
  }
}

restore(JSON.parse(byId("kept").textContent), store, show);
tellOfLost(() => [...cards.keys()], "keeps" in workbench.dataset, byId("lost"));
listen(workbench, add, (address) => add([address]));
panel.addEventListener("change", () => {
  for (const card of cards.values()) card.setOptions(panel.value);
  complainOfOptions();
});
onClick("[data-sample]", (button) => attempt(() => addSample(button), "error.sample"));
onClick("[data-close]", (button) => button.closest("dialog").close());
onClick("[data-copy]", (button) => attempt(() => copyCode(button), "error.copy", "copied"));
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard; // browsers have none on plain HTTP
}
onClick("#show-code", showCode);
onClick("#download-all", () => attempt(downloadEverything));
onClick("#retry-all", () => inState("failed").forEach(actions.retry));
onClick("#forget-all", () => attempt(forgetAll, "error.forget"));
onClick("#start", () => inState("priced").forEach(actions.retry)); // a second click finds none
