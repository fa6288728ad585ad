/** Accepts pictures: chosen, taken by camera, dropped anywhere, pasted, or as a link. */

import { text } from "./text.js";

/**
 * Calls `onFiles(files)` or `onLink(address)` for every way in, `onTrouble(sentence)` where a drop
 * holds nothing to take, or more than is taken.
 */
export function listen(workbench, onFiles, onLink, onTrouble) {
  chosen(workbench.querySelector("#file-input"), onFiles);
  chosen(workbench.querySelector("#camera-input"), onFiles);
  dropped(workbench, onFiles, onTrouble);
  pasted(onFiles, onLink);
  linked(workbench.querySelector("#intake"), onLink);
}

function chosen(input, onFiles) {
  const take = () => {
    onFiles([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  };
  input.addEventListener("change", take);
  if (input.files.length) take(); // chosen while this script was still on its way
}

function dropped(workbench, onFiles, onTrouble) {
  let depth = 0; // dragenter and dragleave come for every element that is crossed
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    workbench.toggleAttribute("data-dragging", depth > 0);
  };
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => holdsFiles(event) && mark(1));
  addEventListener("dragleave", (event) => holdsFiles(event) && mark(-1));
  addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    try {
      const { files, isCut } = await filesOf(event.dataTransfer);
      onFiles(files);
      if (!files.length) onTrouble(text("error.noPictures"));
      if (isCut) onTrouble(text("error.manyPictures", { count: files.length }));
    } catch (error) {
      console.warn(error);
      onTrouble(text("error.folder"));
    }
  });
}

/** Reads `transfer` before its first await, as browsers empty it after the event. */
async function filesOf(transfer) {
  const items = [...(transfer.items ?? [])].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  if (!entries.some(({ isDirectory }) => isDirectory)) return { files, isCut: false };
  return (await import("./folders.js")).filesIn(entries);
}

function pasted(onFiles, onLink) {
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const words = event.clipboardData?.getData("text/plain").trim() ?? "";
    const writing = event.target instanceof Element && event.target.matches("input, textarea");
    if (files.length) onFiles(files);
    else if (isLink(words) && !writing) onLink(words);
    else return;
    event.preventDefault();
  });
}

function linked(form, onLink) {
  const input = form.querySelector("#link-input");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = input.value.trim();
    if (!isLink(address)) return complain(input, text("error.link"));
    onLink(address);
    input.value = "";
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
}

/** Show an error in the browser's own bubble, which also focuses the field. */
function complain(input, message) {
  input.setCustomValidity(message);
  input.reportValidity();
}

function isLink(words) {
  return /^https?:\/\/\S+$/i.test(words) && URL.canParse(words);
}
