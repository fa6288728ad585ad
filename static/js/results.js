/** Exports results: download, clipboard, all as one ZIP. */

import { placedBy } from "./card.js";
import { extensionOf, render } from "./pixels/render.js";
import { zip } from "./pixels/zip.js";
import { optionsOf, withShadow } from "./parameters.js";
import { text } from "./text.js";

/** The finished file of a picture under the options. */
export async function fileOf(picture, options) {
  const placed = placedBy(options, picture);
  return render(await picture.cutout(), placed, options, await picture.cast(options.shadow));
}

export async function download(picture, options) {
  save(await fileOf(picture, options), nameOf(picture, options));
}

/** Copy the cut-out as PNG, the only picture format that other programs paste. */
export async function copy(picture, options) {
  const blob = fileOf(picture, { ...options, format: "png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}

/** `optionsFor(picture)`; one after the other, so that only one is in memory at full size. */
export async function downloadAll(pictures, optionsFor) {
  save(await zip(await filesOf(pictures, optionsFor, nameOf)), `${text("archiveName")}.zip`);
}

/**
 * One ZIP with a folder for each recipe, in which the photos keep their names. A recipe sets all but
 * the shadow, where it says nothing of that: then a photo has its own.
 */
export async function downloadRecipes(pictures, recipes, optionsFor) {
  const files = [];
  const folders = new Set();
  for (const { title, parameters } of recipes) {
    const folder = unusedName(`${fileSafe(title)}/`, folders);
    const named = (picture, options) => `${folder}${picture.stem}.${extensionOf(options)}`;
    const optionsIn = (picture) => {
      const own = optionsFor(picture);
      return optionsOf(withShadow(parameters, own), own.maxPixels);
    };
    files.push(...(await filesOf(pictures, optionsIn, named)));
  }
  save(await zip(files), `${text("archiveName")}.zip`);
}

async function filesOf(pictures, optionsFor, nameOf) {
  const files = [];
  const taken = new Set();
  for (const picture of pictures) {
    const options = optionsFor(picture);
    const name = unusedName(nameOf(picture, options), taken);
    files.push({ name, blob: await naming(picture, () => fileOf(picture, options)) });
  }
  return files;
}

/** What goes wrong with one of many names its picture. */
async function naming(picture, work) {
  try {
    return await work();
  } catch (error) {
    const sentence = text(error.key ?? "error.render");
    throw Object.assign(error, { sentence: text("about", { name: picture.name, sentence }) });
  }
}

/** Without what file systems do not take. */
function fileSafe(name) {
  return name.replace(/[\\/:*?"<>|]|^\.+|[. ]+$/g, "_");
}

function nameOf({ stem }, options) {
  return `${text("downloadName", { name: stem })}.${extensionOf(options)}`;
}

function unusedName(name, taken) {
  const [, stem, extension] = /^(.*)(\.[^./]+|\/)$/.exec(name);
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
