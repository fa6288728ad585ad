/** Exports results: download, clipboard, all as one ZIP. */

import { placedBy } from "./card.js";
import { extensionOf, render } from "./pixels/render.js";
import { zip } from "./pixels/zip.js";
import { text } from "./text.js";

/** The finished file of a picture under the options. */
export async function fileOf(picture, options) {
  return render(await picture.cutout(), placedBy(options, picture), options);
}

export async function download(picture, options) {
  save(await fileOf(picture, options), nameOf(picture, options));
}

/** Copy the cut-out as PNG, the only picture format that other programs paste. */
export async function copy(picture, options) {
  const blob = fileOf(picture, { ...options, format: "png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}

/** One after the other, so that only one is in memory at full size. */
export async function downloadAll(pictures, options) {
  const files = [];
  const taken = new Set();
  for (const picture of pictures) {
    const name = unusedName(nameOf(picture, options), taken);
    files.push({ name, blob: await fileOf(picture, options) });
  }
  save(await zip(files), `${text("archiveName")}.zip`);
}

function nameOf({ stem }, options) {
  return `${text("downloadName", { name: stem })}.${extensionOf(options)}`;
}

function unusedName(name, taken) {
  const [, stem, extension] = /^(.*)(\.[^.]+)$/.exec(name);
  let candidate = name;
  for (let number = 2; taken.has(candidate); number += 1) candidate = `${stem}-${number}${extension}`;
  taken.add(candidate);
  return candidate;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // the browser reads the URL after this task; a minute is more than enough
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
