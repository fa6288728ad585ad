/** The page's entry: takes pictures in, sends them two at a time, shows each as a card. */

import { Archive } from "./archive.js";
import { OwnBackgrounds, keepBackground } from "./background.js";
import { Bar, isReady } from "./bar.js";
import { Card, placedBy } from "./card.js";
import { samples } from "./code.js";
import { listen } from "./intake.js";
import { Networks } from "./networks.js";
import { OptionsPanel } from "./options.js";
import { combined } from "./own-options.js";
import { Offers } from "./offer.js";
import { Picture } from "./picture.js";
import { extensionOf } from "./pixels/render.js";
import { Queue } from "./queue.js";
import { Quota } from "./quota.js";
import { Recipes } from "./recipes.js";
import { forgetRemoved, rememberOrder, rememberRemoved, restore, tellOfLost } from "./reload.js";
import { Remembered } from "./remembered.js";
import { Resolution } from "./resolution.js";
import { Shelf, WAITING } from "./shelf.js";
import { PictureStore } from "./store.js";
import { text } from "./text.js";
import { Toasts } from "./toasts.js";
import { Undo } from "./undo.js";

const PARALLEL = 2;
const byId = (id) => document.getElementById(id);
const workbench = byId("workbench");
const csrfToken = workbench.querySelector("[name=csrfmiddlewaretoken]").value;
const { account, endpoint, inputPixels, keptHours, maxBytes, maxPixels, fullPixels } = workbench.dataset;
const store = new PictureStore(endpoint, csrfToken);
const server = {
  url: endpoint,
  csrfToken,
  store,
  maxBytes: Number(maxBytes),
  freePixels: Number(maxPixels),
  fullPixels: Number(fullPixels),
  inputPixels: Number(inputPixels),
};
const panel = new OptionsPanel(byId("options"));
const kept = JSON.parse(byId("kept").textContent);
const idsOfKept = kept.map(({ id }) => id);
const remembered = new Remembered(Number(keptHours), idsOfKept);
if (remembered.general) panel.apply(remembered.general);
const recipes = new Recipes(byId("recipes"), panel, { csrfToken, announce, several: downloadSeveral });
const bar = new Bar(byId("bar"), panel, recipes);
const archive = new Archive(byId("zip-dialog"), { pictures: shown, waiting: waitForRest });
const toasts = new Toasts(byId("toasts"));
const undo = new Undo(toasts, { restore: bringBack, delete: deleteForGood, leave: focusSomewhere });
const networks = new Networks(workbench);
const resolution = new Resolution(workbench, networks);
const queue = new Queue(PARALLEL);
const shelf = new Shelf(account, Number(keptHours));
const ownBackgrounds = new OwnBackgrounds(shelf);
const quota = new Quota(workbench, shelf, networks);
const offers = new Offers(workbench, { server, shelf, resolution, queue, on: { complain, announce, found, replaced } });
const thumbnails = new Queue(1); // a large photo takes much memory while it is read
let editor = null; // both are loaded when they are first asked for
let viewer = null;
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
  view: (picture) => attempt(() => view(picture), "error.part", picture),
  download: (picture) => attempt(() => download(picture), "error.render", picture),
  "touch-up": (picture) => attempt(() => touchUp(picture), "error.part", picture),
  copy: (picture) => attempt(() => copyPicture(picture), "error.copy", picture),
};

/** All pictures on the page, in the order they were chosen. */
function shown() {
  return [...cards.keys()].filter((picture) => !undo.has(picture));
}

function optionsFor(picture) {
  return combined(panel.value, picture.own);
}

function add(sources) {
  for (const source of sources) {
    const picture = new Picture(source);
    picture.isFull = resolution.isFull;
    picture.model = networks.chosen;
    begin(picture);
    if (source === sources[0]) cards.get(picture).root.scrollIntoView({ block: "nearest" });
  }
}

function begin(picture) {
  show(picture);
  start(picture);
  thumbnails.add(() => picture.glance());
}

/** Those that waited for the next hour when the page was left, and the way back from buying. */
async function resume() {
  const known = new Set(idsOfKept);
  for (const { id, name, file, model = "", isFull = false, touchedUp: earlier } of await shelf.all(WAITING)) {
    const facts = { isShelved: true, model, isFull, earlier };
    if (!known.has(id)) begin(Object.assign(new Picture(file, { id, name }), facts));
  }
  await dress();
  await offers.comeBack();
}

/** The background pictures that single pictures had for themselves. */
async function dress() {
  for (const [id, background] of await ownBackgrounds.kept()) {
    const picture = [...cards.keys()].find((it) => it.id === id);
    if (picture && !picture.own.background) setOwn(picture, { ...picture.own, background });
  }
}

function show(picture) {
  picture.own = remembered.ownOf(picture.id);
  const card = new Card(picture, optionsFor(picture), actions, (it) => resolution.offer(it));
  cards.set(picture, card);
  byId("pictures").append(card.root);
  workbench.toggleAttribute("data-filled", true);
  offers.attach(picture, card.root);
  picture.addEventListener("change", () => settle(picture));
  results().catch(() => {}); // told when it is needed
  return card;
}

function start(picture) {
  const objection = objectionTo(picture.file);
  if (objection) return picture.fail(objection, { isHopeless: true });
  const work = () => (picture.needsPrice ? picture.appraise(server) : picture.remove(server));
  jobs.set(picture, work);
  quota.admit(picture, () => queue.add(work));
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
  drawAll();
  archive.check();
  viewer?.refresh();
}

/** Take it off the page; its files are deleted once nobody can want them back. */
function discard(picture) {
  cards.get(picture).root.remove();
  announce(text("removedAloud", { name: picture.name }));
  undo.offer(picture);
  drawAll();
}

function bringBack(picture) {
  const { root } = cards.get(picture);
  const order = [...cards.keys()];
  const next = order.slice(order.indexOf(picture) + 1).find((other) => cards.get(other).root.isConnected);
  byId("pictures").insertBefore(root, next ? cards.get(next).root : null);
  root.querySelector("[data-action=discard]").focus();
  announce(text("restored", { name: picture.name }));
  drawAll();
}

function deleteForGood(picture) {
  if (picture.wasSent) rememberRemoved(picture.id);
  keepOwn({ id: picture.id, own: {} });
  forget(picture);
  drop(picture);
}

function focusSomewhere() {
  (byId("pictures").querySelector("button:not([hidden])") ?? byId("file-input")).focus({ preventScroll: true });
}

function found(picture) {
  cards.get(picture)?.setOptions(optionsFor(picture));
}

/** It is of full resolution now, under another id. */
function replaced(picture, formerId) {
  keepOwn({ id: formerId, own: {} });
  keepOwn(picture);
  drawAll();
}

function drop(picture) {
  queue.withdraw(jobs.get(picture));
  quota.forget(picture);
  offers.forget(picture);
  cards.get(picture).remove();
  cards.delete(picture);
  drawAll();
}

/** Delete a picture's files on the server. */
function forget(picture) {
  const { id, wasSent } = picture;
  const deleted = () => store.forget(id).then(() => forgetRemoved(id));
  if (wasSent) attempt(deleted, "error.forget", picture);
}

async function forgetAll() {
  const dialog = byId("forget-dialog");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "delete") return;
  undo.deleteAll();
  await Promise.all([store.forgetAll(), shelf.clear()]);
  for (const picture of [...cards.keys()]) {
    picture.cancel();
    drop(picture);
  }
  announce(text("forgotten"));
  byId("file-input").focus();
}

function inState(state) {
  return shown().filter((picture) => picture.state === state);
}

/** Show what concerns all pictures: progress, downloads, the price. */
function drawAll() {
  const pictures = shown();
  workbench.toggleAttribute("data-filled", pictures.length > 0);
  bar.draw(pictures);
  resolution.draw(pictures);
  complainOfOptions();
}

function complainOfOptions() {
  try {
    const followers = inState("done").filter(({ own }) => !Object.keys(own).length); // other cards say it themselves
    for (const picture of followers) placedBy(panel.value, picture);
    panel.complain("");
  } catch (error) {
    panel.complain(text(error.key));
  }
}

function complain(sentence, buy = null) {
  toasts.complain(sentence, buy);
}

function announce(sentence) {
  byId("announcer").textContent = sentence;
}

/** Run a button's action; what goes wrong is told, with the picture's name if it is about one. */
async function attempt(work, failureKey, picture = null) {
  try {
    await work();
  } catch (error) {
    console.warn(error);
    const sentence = error.sentence ?? text(error.key ?? failureKey);
    toasts.complain(picture ? text("about", { name: picture.name, sentence }) : sentence);
  }
}

async function touchUp(picture) {
  const [{ Editor }, { keep, materialOf }] = await Promise.all([import("./editor.js"), import("./editor-material.js")]);
  editor ??= new Editor(byId("editor"));
  const changed = await editor.edit(await materialOf(picture, store));
  if (!changed) return;
  const png = await picture.replace(changed);
  attempt(() => keep(picture, store, png), "error.keep", picture);
}

/** Show a result in a dialog of its own. */
async function view(picture) {
  const [{ Viewer }, { photoFrom }] = await Promise.all([import("./viewer.js"), import("./work-copy.js")]);
  viewer ??= new Viewer(byId("viewer-template"), panel, recipes, {
    pictures: () => shown().filter(isReady),
    optionsFor,
    setOwn,
    original: async (it) => it.photo ?? photoFrom(store, it),
    closed: (it) => cards.get(it).root.querySelector("[data-action=view]").focus(),
    download: actions.download,
    touchUp: actions["touch-up"],
    showCode: (options, it) => showCode(options, it.model),
  });
  await viewer.open(picture);
}

function setOwn(picture, own) {
  picture.own = own;
  cards.get(picture).setOptions(optionsFor(picture));
  keepOwn(picture);
  complainOfOptions();
}

function keepOwn(picture) {
  remembered.keepOwn(picture);
  ownBackgrounds.keep(picture);
}

/** The default network's result of it is stored on the server: no network runs. */
async function addSample({ dataset: { sample, photo, name } }) {
  const answer = await fetch(photo);
  const blob = await answer.blob();
  const model = networks.chosen;
  const picture = new Picture(new File([blob], name, { type: blob.type }));
  begin(Object.assign(picture, { model, sample: model ? "" : sample }));
}

async function copyPicture(picture) {
  const { copy } = await results();
  await copy(picture, optionsFor(picture));
  announce(text("copiedPicture", { name: picture.name }));
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

function showCode(wanted, model) {
  const dialog = byId("code-dialog");
  const hasPicture = wanted.background.kind === "picture";
  const options = hasPicture ? { ...wanted, background: { kind: "none" } } : wanted;
  const programs = samples(options, extensionOf(options), recipes.siteRecipeOf(options), model);
  byId("code-without-picture").hidden = !hasPicture;
  for (const code of dialog.querySelectorAll("[data-code]")) {
    code.textContent = programs[code.dataset.code];
  }
  dialog.showModal();
}

/** Loaded once there is a picture: before that, nobody downloads. */
function results() {
  return import("./results.js");
}

async function download(picture) {
  const { download } = await results();
  await download(picture, optionsFor(picture));
}

async function downloadEverything() {
  const [only, ...others] = shown();
  if (!others.length && isReady(only)) {
    await only.recall();
    return download(only);
  }
  const { downloadAll } = await results();
  await downloadCollected((pictures) => downloadAll(pictures, optionsFor));
}

function downloadSeveral(chosen) {
  return attempt(async () => {
    const { downloadRecipes } = await results();
    await downloadCollected((pictures) => downloadRecipes(pictures, chosen, optionsFor));
  }, "error.render");
}

/** Download all pictures that the visitor wants to have now, and say which are not among them. */
async function downloadCollected(save) {
  const pictures = await archive.collect();
  if (!pictures) return;
  if (!pictures.length) return toasts.complain(text("recipe.nothing"));
  bar.say(text("preparing"));
  announce(text("preparing"));
  try {
    await save(pictures);
  } finally {
    bar.say("");
    drawAll();
  }
  const lacking = archive.lacking(pictures);
  if (lacking) toasts.complain(lacking);
}

function waitForRest(isOn) {
  bar.isWaiting = isOn;
  bar.say(isOn ? text("zip.waiting") : "");
  if (isOn) announce(text("zip.waiting"));
  else drawAll();
}

function onClick(selector, action) {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener("click", () => action(button));
  }
}

restore(kept, store, show);
resume();
keepBackground(panel, shelf);
rememberOrder(() => [...cards.keys()]);
tellOfLost(() => [...cards.keys()], "keeps" in workbench.dataset, byId("lost"));
listen(workbench, add, (address) => add([address]), complain);
panel.addEventListener("change", () => {
  for (const [picture, card] of cards) card.setOptions(optionsFor(picture));
  complainOfOptions();
  remembered.keepGeneral(panel.value);
});
onClick("[data-sample]", (button) => attempt(() => addSample(button), "error.sample"));
onClick("[data-close]", (button) => button.closest("dialog").close());
onClick("#show-code", () => showCode(panel.value, networks.chosen));
onClick("#download-all", () => attempt(downloadEverything, "error.render"));
onClick("#stop-waiting", () => archive.stopWaiting());
onClick("#retry-all", () =>
  inState("failed")
    .filter(({ isHopeless }) => !isHopeless)
    .forEach(actions.retry),
);
onClick("#forget-all", () => attempt(forgetAll, "error.forget"));
onClick("#start", () => inState("priced").forEach(actions.retry)); // a second click finds none
