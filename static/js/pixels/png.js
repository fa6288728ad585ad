/**
 * Decodes and encodes PNG. A canvas is unsuitable: it stores colours multiplied by alpha, so it
 * rounds soft edges and loses every colour under alpha 0, which Delta PNG needs.
 */

import { crc32 } from "./crc32.js";
import { inflate } from "./inflate.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = { 0: 1, 2: 3, 4: 2, 6: 4 }; // by colour type; palettes are not read
const COLOUR_TYPE = { 1: 0, 2: 4, 3: 2, 4: 6 };

/**
 * The 8-bit, not interlaced PNG in `bytes` -> {width, height, channels, left, top, data: Uint8Array}.
 * left, top: where it says that it lies in a larger picture (chunk oFFs), else 0.
 */
export async function decodePng(bytes) {
  const { eachRow, ...header } = await openPng(bytes);
  const stride = header.width * header.channels;
  const data = new Uint8Array(stride * header.height);
  eachRow((row, y) => data.set(row, y * stride));
  return { ...header, data };
}

/**
 * The same PNG row by row: `eachRow(take)` calls take(row, y) with bytes that stay valid until `take`
 * returns and begin at a whole word.
 */
export async function openPng(bytes) {
  const { header, parts } = readChunks(bytes);
  const { width, height, channels } = header;
  const stride = width * channels;
  const filtered = inflate(await joined(parts), height * (stride + 1));
  return { ...header, eachRow: (take) => unfilter(filtered, stride, height, channels, take) };
}

function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error("PNG: no signature");
  const parts = [];
  let [header, place] = [null, { left: 0, top: 0 }];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = readHeader(body);
    if (type === "oFFs") place = readPlace(body);
    if (type === "IDAT") parts.push(body);
    if (type === "IEND") break;
    at += length + 12;
  }
  if (!header) throw new Error("PNG: no header");
  return { header: { ...header, ...place }, parts };
}

function readPlace(body) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return { left: view.getInt32(0), top: view.getInt32(4) };
}

function readHeader(body) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [depth, colourType, , , interlaced] = body.subarray(8);
  const channels = CHANNELS[colourType];
  if (depth !== 8 || !channels || interlaced) throw new Error("PNG: kind not supported");
  return { width: view.getUint32(0), height: view.getUint32(4), channels };
}

async function joined(parts) {
  return parts.length === 1 ? parts[0] : new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Undo the row filters (PNG specification, section 9). */
function unfilter(filtered, stride, height, step, take) {
  let [row, above] = [new Uint8Array(stride), new Uint8Array(stride)];
  for (let y = 0; y < height; y += 1) {
    const start = y * (stride + 1);
    row.set(filtered.subarray(start + 1, start + 1 + stride));
    undo(filtered[start], row, above, step);
    take(row, y);
    [row, above] = [above, row];
  }
}

function undo(filter, row, above, step) {
  const { length } = row;
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < length; i += 1) row[i] += row[i - step];
      return;
    case 2:
      addBytes(row, above);
      return;
    case 3:
      for (let i = 0; i < length; i += 1) row[i] += ((i < step ? 0 : row[i - step]) + above[i]) >> 1;
      return;
    case 4:
      for (let i = 0; i < step; i += 1) row[i] += above[i];
      for (let i = step; i < length; i += 1) {
        row[i] += paeth(row[i - step], above[i], above[i - step]);
      }
      return;
    default:
      throw new Error("PNG: unknown filter");
  }
}

/** Four bytes at a time, as far as possible. */
function addBytes(row, above) {
  const whole = row.length >> 2;
  addWords(new Uint32Array(row.buffer, 0, whole), new Uint32Array(above.buffer, 0, whole));
  for (let i = whole * 4; i < row.length; i += 1) row[i] += above[i];
}

function addWords(a, b) {
  for (let i = 0; i < a.length; i += 1) {
    // the high bits separately, so that no byte carries into its neighbour
    a[i] = ((a[i] & 0x7f7f7f7f) + (b[i] & 0x7f7f7f7f)) ^ ((a[i] ^ b[i]) & 0x80808080);
  }
}

function paeth(left, up, corner) {
  const fromLeft = Math.abs(up - corner);
  const fromUp = Math.abs(left - corner);
  const fromCorner = Math.abs(left + up - 2 * corner);
  if (fromLeft <= fromUp && fromLeft <= fromCorner) return left;
  return fromUp <= fromCorner ? up : corner;
}

/** A PNG of 8-bit sRGB pixels, `channels` bytes each (1 grey, 3 RGB, 4 RGBA), as a Blob. */
export async function encodePng({ width, height, channels, data }) {
  const compressed = await deflate(filterUp(data, width * channels, height));
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, COLOUR_TYPE[channels]], 8);
  const parts = [
    Uint8Array.from(SIGNATURE),
    ...chunk("IHDR", header),
    ...chunk("sRGB", Uint8Array.of(0)),
    ...chunk("IDAT", compressed),
    ...chunk("IEND", new Uint8Array()),
  ];
  return new Blob(parts, { type: "image/png" });
}

function filterUp(data, stride, height) {
  const out = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const [from, to] = [y * stride, y * (stride + 1)];
    out[to] = y ? 2 : 0;
    for (let i = 0; i < stride; i += 1) {
      out[to + 1 + i] = y ? data[from + i] - data[from + i - stride] : data[from + i];
    }
  }
  return out;
}

async function deflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(type, body) {
  const name = Uint8Array.from(type, (letter) => letter.charCodeAt(0));
  const length = new Uint8Array(4);
  const checksum = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length);
  new DataView(checksum.buffer).setUint32(0, crc32(name, body));
  return [length, name, body, checksum];
}
