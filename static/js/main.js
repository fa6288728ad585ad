/** The page's entry: takes pictures in, sends them two at a time, shows each as a card. */

import { Card } from "./card.js";
import { listen } from "./intake.js";
import { Picture } from "./picture.js";
import { Queue } from "./queue.js";
import { text } from "./text.js";

const PARALLEL = 2;
const workbench = document.getElementById("workbench");
const list = document.getElementById("pictures");
const announcer = document.getElementById("announcer");
const { endpoint, maxBytes } = workbench.dataset;
const csrfToken = workbench.querySelector("[name=csrfmiddlewaretoken]").value;
const queue = new Queue(PARALLEL);
const jobs = new Map(); // picture -> its job in the queue

function add(files) {
  for (const file of files) show(new Picture(file));
}

function show(picture) {
  const card = new Card(picture, {
    cancel: (it) => it.cancel(),
    retry: (it) => {
      it.reset();
      start(it);
    },
    discard: () => discard(picture, card),
  });
  list.prepend(card.root);
  workbench.toggleAttribute("data-filled", true);
  picture.addEventListener("change", () => settle(picture));
  start(picture);
}

function start(picture) {
  const objection = objectionTo(picture.file);
  if (objection) return picture.fail(objection);
  const job = () => picture.remove(endpoint, csrfToken);
  jobs.set(picture, job);
  queue.add(job);
}

/** What can be told without the server, before anything is sent. */
function objectionTo(file) {
  if (!file.size) return text("error.empty");
  if (file.size > Number(maxBytes)) {
    return text("error.tooManyBytes", { megabytes: Math.floor(maxBytes / 2 ** 20) });
  }
  if (file.type && !file.type.startsWith("image/")) return text("error.notAnImage");
  return "";
}

function settle(picture) {
  const { name, state } = picture;
  if (state === "cancelled") queue.withdraw(jobs.get(picture));
  if (picture.settled) jobs.delete(picture);
  if (state === "done") announcer.textContent = text("announceDone", { name });
}

function discard(picture, card) {
  const neighbour = card.root.nextElementSibling ?? card.root.previousElementSibling;
  card.remove();
  workbench.toggleAttribute("data-filled", list.childElementCount > 0);
  (neighbour?.querySelector("button:not([hidden])") ?? document.getElementById("file-input")).focus();
}

async function addSample(button) {
  const { sample, name } = button.dataset;
  try {
    const blob = await (await fetch(sample)).blob();
    add([new File([blob], name, { type: blob.type })]);
  } catch {
    announcer.textContent = text("error.sample");
  }
}

listen(workbench, add);
for (const button of workbench.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", () => addSample(button));
}
