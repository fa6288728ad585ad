/** The files of a drop, those in dropped folders included. */

const MOST = 500; // pictures out of folders
const DEEPEST = 8; // folders inside folders
const PICTURES = /\.(jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|hif|avif)$/i;

/**
 * Resolves to {files, isCut} of dropped entries: in the order of their names, folder by folder; of
 * folders only what is named like a picture. isCut: whether there were more than are taken.
 */
export async function filesIn(entries) {
  const found = [];
  for (const entry of entries) await walk(entry, 0, found);
  return { files: found.slice(0, MOST), isCut: found.length > MOST };
}

async function walk(entry, depth, found) {
  if (found.length > MOST || depth > DEEPEST) return;
  if (entry.isFile) {
    if (depth === 0 || PICTURES.test(entry.name)) found.push(await fileOf(entry));
    return;
  }
  const inside = await entriesOf(entry);
  inside.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  for (const part of inside) await walk(part, depth + 1, found);
}

/** Browsers hand out a folder's entries in portions, the last of which is empty. */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const entries = [];
  while (entries.length <= MOST) {
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) break;
    entries.push(...portion);
  }
  return entries;
}

function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
