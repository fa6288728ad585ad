/** A ZIP archive of files that are compressed already, so they are stored as they are. */

import { crc32 } from "./crc32.js";

const UTF8_NAMES = 0x0800;
const FIRST_DAY = 0x0021; // 1 January 1980, the format's first: a picture's hour is nobody's affair
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

/** `files`: [{name, blob}] with different names -> Blob. */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const entry = await describe(name, blob);
    const local = [record(LOCAL, [[20, 2], ...entry.fields, [0, 2]]), entry.name];
    directory.push(central(entry, offset), entry.name);
    parts.push(...local, blob);
    offset += local[0].length + entry.name.length + blob.size;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.length;
  const end = record(END, [
    [0, 2],
    [0, 2],
    [count, 2],
    [count, 2],
    [size, 4],
    [offset, 4],
    [0, 2],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

async function describe(text, blob) {
  const name = new TextEncoder().encode(text);
  const checksum = crc32(new Uint8Array(await blob.arrayBuffer()));
  const fields = [
    [UTF8_NAMES, 2],
    [0, 2],
    [0, 2],
    [FIRST_DAY, 2],
    [checksum, 4],
    [blob.size, 4],
    [blob.size, 4],
    [name.length, 2],
  ];
  return { name, fields };
}

function central(entry, offset) {
  const rest = [
    [0, 2],
    [0, 2],
    [0, 2],
    [0, 2],
    [0, 4],
    [offset, 4],
  ];
  return record(CENTRAL, [[20, 2], [20, 2], ...entry.fields, ...rest]);
}

/** A signature and little-endian fields, each [value, bytes]. */
function record(signature, fields) {
  const out = new Uint8Array(4 + fields.reduce((sum, [, bytes]) => sum + bytes, 0));
  const view = new DataView(out.buffer);
  view.setUint32(0, signature, true);
  let at = 4;
  for (const [value, bytes] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return out;
}
