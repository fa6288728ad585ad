/** The separate subjects of a cut-out, each to be dropped or kept as a whole. */

import { union } from "./editor-work.js";

const GRID = 512; // of the longer side: subjects are told apart on no finer grid
const INSIDE = 128; // of 255: a cell of at least that alpha, on average, is subject
const LEAST_SHARE = 0.002; // of the picture: less is a crumb
const LEAST_OF_LARGEST = 0.01;
const MOST = 12;

export class Subjects {
  list; // of {number, box}, the largest first; empty where there is only one
  #columns;
  #cell;
  #labels; // of each cell: the number of its subject, or 0

  constructor(cutout) {
    const grid = gridOf(cutout);
    [this.#columns, this.#cell] = [grid.columns, grid.cell];
    const parts = mainOnes(partsOf(grid), grid.most.length);
    this.#labels = new Uint8Array(grid.most.length);
    this.list = parts.length > 1 ? parts.map((_, i) => ({ number: i + 1 })) : [];
    for (const { number } of this.list) {
      for (const cell of parts[number - 1]) this.#labels[cell] = number;
    }
    spread(this.#labels, grid);
    for (const subject of this.list) subject.box = this.#boxOf(subject.number, cutout);
  }

  /** The number of the subject at a point of the picture, or 0. */
  at([x, y]) {
    if (x < 0 || x >= this.#columns * this.#cell) return 0;
    return this.#labels[Math.floor(y / this.#cell) * this.#columns + Math.floor(x / this.#cell)] ?? 0;
  }

  /** Drop a subject or keep it again, as one step; returns the box that changed, or null. */
  toggle(work, number) {
    const { box } = this.list[number - 1];
    const dropped = new Set(work.state.dropped);
    if (!dropped.delete(number)) dropped.add(number);
    for (const tile of work.tilesIn(box)) this.#toggleOn(work, tile, number, dropped.has(number));
    return work.commit({ ...work.state, dropped });
  }

  #toggleOn(work, tile, number, isDropped) {
    const pixels = work.pixels(tile);
    const kept = isDropped ? null : (work.state.mended.get(tile.index) ?? work.initialPixels(tile));
    let isTouched = false;
    for (let y = tile.top, i = 0; y < tile.bottom; y += 1) {
      const row = Math.floor(y / this.#cell) * this.#columns;
      for (let x = tile.left; x < tile.right; x += 1, i += 4) {
        if (this.#labels[row + Math.floor(x / this.#cell)] !== number) continue;
        isTouched = true;
        if (isDropped) pixels.fill(0, i, i + 4);
        else pixels.set(kept.subarray(i, i + 4), i);
      }
    }
    if (!isTouched) return;
    work.before(tile);
    work.replace(tile, pixels);
  }

  #boxOf(number, { width, height }) {
    let box = null;
    this.#labels.forEach((label, i) => {
      if (label !== number) return;
      const [left, top] = [(i % this.#columns) * this.#cell, Math.floor(i / this.#columns) * this.#cell];
      const [right, bottom] = [Math.min(width, left + this.#cell), Math.min(height, top + this.#cell)];
      box = union(box, { left, top, right, bottom });
    });
    return box;
  }
}

/** Cells of `cell` pixels a side, each with the mean and the greatest alpha of its pixels. */
function gridOf({ width, height, data }) {
  const cell = Math.ceil(Math.max(width, height) / GRID);
  const [columns, rows] = [Math.ceil(width / cell), Math.ceil(height / cell)];
  const [sum, most] = [new Float32Array(columns * rows), new Uint8Array(columns * rows)];
  for (let y = 0, i = 3; y < height; y += 1) {
    const row = Math.floor(y / cell) * columns;
    for (let x = 0; x < width; x += 1, i += 4) {
      if (!data[i]) continue;
      const at = row + Math.floor(x / cell);
      sum[at] += data[i];
      if (data[i] > most[at]) most[at] = data[i];
    }
  }
  return { cell, columns, rows, mean: sum.map((value) => value / (cell * cell)), most };
}

/** The connected parts of the cells inside: lists of cells. */
function partsOf({ mean, columns, rows }) {
  const isSeen = new Uint8Array(mean.length);
  const parts = [];
  for (let start = 0; start < mean.length; start += 1) {
    if (isSeen[start] || mean[start] < INSIDE) continue;
    const cells = [start];
    isSeen[start] = 1;
    for (let i = 0; i < cells.length; i += 1) {
      for (const beside of neighbours(cells[i], columns, rows)) {
        if (isSeen[beside] || mean[beside] < INSIDE) continue;
        isSeen[beside] = 1;
        cells.push(beside);
      }
    }
    parts.push(cells);
  }
  return parts;
}

function mainOnes(parts, cells) {
  const largest = parts.reduce((most, part) => Math.max(most, part.length), 0);
  const least = Math.max(LEAST_SHARE * cells, LEAST_OF_LARGEST * largest);
  const main = parts.filter((part) => part.length >= least);
  return main.sort((a, b) => b.length - a.length).slice(0, MOST);
}

/** Let the subjects take the soft cells and crumbs that hang together with them, the nearest first. */
function spread(labels, { most, columns, rows }) {
  const cells = [...labels.keys()].filter((cell) => labels[cell]);
  for (let i = 0; i < cells.length; i += 1) {
    for (const beside of neighbours(cells[i], columns, rows)) {
      if (labels[beside] || !most[beside]) continue;
      labels[beside] = labels[cells[i]];
      cells.push(beside);
    }
  }
}

function neighbours(cell, columns, rows) {
  const [x, y] = [cell % columns, Math.floor(cell / columns)];
  const found = [];
  for (let row = Math.max(0, y - 1); row <= Math.min(rows - 1, y + 1); row += 1) {
    for (let column = Math.max(0, x - 1); column <= Math.min(columns - 1, x + 1); column += 1) {
      if (row !== y || column !== x) found.push(row * columns + column);
    }
  }
  return found;
}
