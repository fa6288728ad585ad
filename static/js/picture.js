/** One picture on the page: its file, its state and its result. */

import { Casts } from "./casts.js";
import { Cutout } from "./cutout.js";
import * as exchange from "./exchange.js";
import { toImageData } from "./pixels/canvas.js";
import { THUMBNAIL_SIDE, glance, previewOf } from "./pixels/original.js";
import { foregroundBox } from "./pixels/render.js";
import { thousandths } from "./price.js";
import { RemovalFailure } from "./request.js";
import { STATES, fetched, keptPreview } from "./stored.js";
import { text } from "./text.js";

const ANOTHER_FILE = [400, 413]; // statuses of what only another file can mend; as in workbench.py

/**
 * States: waiting -> [priced ->] reading -> uploading -> processing -> done | failed | cancelled;
 * failed and cancelled return to waiting by `reset`. A picture stored on the server begins as
 * stored or processing. Every change fires a "change" event.
 */
export class Picture extends EventTarget {
  state = "waiting";
  share = 0; // of the upload, 0 to 1
  busy = false; // the server asked us to wait
  message = ""; // why it failed
  isHopeless = false; // so that the same file would fail again
  status = 0; // HTTP status of the failure
  before = null; // small Blob of the original, where there is one yet
  isUnreadable = false; // this browser can't show the original
  after = null; // small Blob of the cut-out
  original = null; // [width, height] of the file as it is, where known
  size = null; // [width, height] of the cut-out
  foreground = null; // box, see pixels/geometry.js
  isFull = false; // of full resolution, for credits
  model = ""; // the network's name; "" for the default
  charged = 0; // thousandths of a credit
  balance = null; // thousandths left on the account, by the last answer
  wasSent = false; // so that the server may hold it
  isKept = false; // by the server, with its result
  isMendable = false; // by scribbles, there
  sample = ""; // the site's, whose result is stored
  isHeld = false; // until the hour has free pictures again
  isShelved = false; // its file is kept in this browser, see shelf.js
  earlier = null; // its touched-up cut-out from before the page was left, a PNG, where no server keeps it
  own = {}; // options that differ for it alone, see own-options.js
  file;
  #link;
  #cutout = null;
  #abort = new AbortController();
  #store = null;
  #report = null; // the server's state of a stored picture
  #recalling = null;
  #casts = new Casts(this);
  #isPriced = false; // the visitor has seen the price

  /** source: a File, the URL of a picture for the server to fetch, or null. */
  constructor(source, { id = newId(), name = "" } = {}) {
    super();
    this.id = id;
    this.file = source instanceof File ? source : null;
    this.#link = this.file ? "" : (source ?? "");
    this.name = name || (this.file ? this.file.name : lastPart(source)) || "photo.png";
  }

  get stem() {
    return this.name.replace(/\.[^.]+$/, "") || this.name;
  }

  get settled() {
    return ["done", "failed", "cancelled"].includes(this.state);
  }

  /** Whether it is lost when the page is left, as the server does not have it. */
  get isUnsent() {
    const before = ["waiting", "reading", "priced", "uploading"].includes(this.state);
    return before && !this.isKept && !this.isShelved;
  }

  /** Whether the result has fewer pixels than its photo, as it was free. */
  get isReduced() {
    if (this.isFull || this.charged || !this.original || !this.size) return false;
    return this.size[0] * this.size[1] < this.original[0] * this.original[1];
  }

  /** Whether it costs credits that the visitor has not confirmed yet. */
  get needsPrice() {
    return this.isFull && !this.#isPriced;
  }

  get hasOriginal() {
    return this.#cutout?.hasOriginal ?? false;
  }

  /** The original as this browser can show it, in full where possible: a Blob, or null. */
  get photo() {
    return this.hasOriginal ? this.#cutout.original : this.before;
  }

  /** Show the photo before its turn has come. */
  async glance() {
    if (!this.file || this.before || this.state !== "waiting") return;
    const seen = await glance(this.file, THUMBNAIL_SIDE).catch(() => null);
    if (this.before) return; // its turn has come, and it was read in full
    this.#see(seen);
    this.#change(this.state);
  }

  /** Wait until the hour has free pictures again. */
  hold() {
    this.isHeld = true;
    this.#change("waiting");
  }

  /** Determine the price of full resolution, and wait for the visitor's confirmation. */
  async appraise({ store }) {
    if (this.settled) return;
    try {
      this.#change("reading");
      await this.#findFile(store);
      const seen = this.file ? await glance(this.file) : null;
      if (this.settled) return;
      this.#see(seen);
      this.#isPriced = true;
      this.#change("priced");
    } catch (error) {
      this.#end(error);
    }
  }

  /** Send it and wait for the cut-out; ends in done, failed or cancelled, and never rejects. */
  async remove(server) {
    if (this.settled) return;
    this.isHeld = false;
    try {
      this.#change("reading");
      await this.#findFile(server.store);
      const read = await exchange.read(this.file, this, server);
      const found = await this.#exchange(server, read);
      if (read.isExact && !found.seen) await this.#exchangeWhole(server);
      else await this.#take(found.answer, read, found.seen?.pixels);
      if (this.#link && this.isKept) this.before = await keptPreview(server.store, this.id);
      this.#change("done");
    } catch (error) {
      this.#end(error);
    }
  }

  /** Restore a picture stored on the server from its report: working, done or failed. */
  resume(report, store) {
    const { message, model } = report;
    Object.assign(this, { isKept: true, isMendable: report.mendable, wasSent: true, message, model });
    this.isFull = report.state === "failed" && report.full; // until it is tried again
    [this.#report, this.#store] = [report, store];
    this.#change(STATES[report.state]);
  }

  /** Fetch the stored picture from the server, unless it is here; ends in done or failed. */
  recall() {
    if (this.state !== "stored") return Promise.resolve();
    this.#recalling ??= this.#recall(this.#report).catch((error) => this.#end(error));
    return this.#recalling;
  }

  async #recall(report) {
    const { cutout, ...facts } = await fetched(this.#store, this.id, report);
    this.#cutout = cutout;
    Object.assign(this, facts);
    await this.#show(await this.cutout());
    this.#change("done");
  }

  cancel() {
    if (this.settled) return;
    this.#abort.abort(new DOMException("cancelled", "AbortError"));
    this.#change("cancelled");
  }

  fail(message, { status = 0, isHopeless = false } = {}) {
    Object.assign(this, { message, status, isHopeless });
    this.#change("failed");
  }

  reset() {
    if (this.state === "cancelled") this.id = newId(); // the server is still to forget the old one
    this.#abort = new AbortController();
    Object.assign(this, { share: 0, busy: false, message: "", status: 0, isHopeless: false, after: null });
    this.#change("waiting");
  }

  /** The cut-out at full size: straight RGBA {width, height, data}. */
  cutout() {
    return this.#cutout.pixels();
  }

  /** The original's pixels at the cut-out's size; only where `hasOriginal`. */
  originalPixels() {
    return this.#cutout.originalPixels();
  }

  /** The touched-up cut-out as a PNG; null where it was not touched up. */
  get touchedUp() {
    return this.#cutout?.touchedUp ?? null;
  }

  /** Its shadow of a kind, see pixels/shadow.js; null where it has none. */
  cast(kind) {
    return this.#casts.of(kind);
  }

  /** The cut-out before it was touched up, or null where it was not. */
  untouched() {
    return this.#cutout.untouched();
  }

  /** Be what `other` is: the same photo, cut out at full resolution. */
  become(other) {
    const { id, before, after, original, size, foreground, charged, isKept, isMendable } = other;
    Object.assign(this, { id, before, after, original, size, foreground, charged, isKept, isMendable });
    this.isFull = true;
    this.#cutout = other.#cutout;
    this.#casts.clear();
    this.#change("done");
  }

  /** Replace the cut-out by a touched-up one; resolves to its PNG. */
  async replace(cutout) {
    const png = await this.#cutout.replace(cutout);
    await this.#show(cutout);
    this.#change("done");
    return png;
  }

  /** After a reload, only the server has the file of a failed picture. */
  async #findFile(store) {
    if (this.file || this.#link) return;
    this.file = new File([await store.file(this.id, "original")], this.name);
  }

  /** Send it and read it meanwhile -> {answer, seen}. */
  async #exchange(server, read) {
    const sending = this.#send(server, read);
    const looking = this.#look(read);
    looking.catch(() => {}); // reported by the await below, unless something else comes first
    const answer = await sending;
    return { answer, seen: await looking };
  }

  /** This browser can't read the picture: request the whole cut-out instead of the delta. */
  async #exchangeWhole(server) {
    server.store.forget(this.id).catch(() => {}); // otherwise it expires
    this.id = newId();
    const read = exchange.unread(this.file);
    const { answer } = await this.#exchange(server, read);
    await this.#take(answer, read, null);
  }

  async #look(read) {
    const seen = await read.look();
    this.#see(seen);
    if (!this.settled) this.#change(this.state);
    return seen;
  }

  #see(seen) {
    if (seen) Object.assign(this, { before: seen.preview, original: seen.size });
    this.isUnreadable = Boolean(this.file) && !this.before;
  }

  async #take({ blob, header }, { upload, isExact }, pixels) {
    this.#throwIfCancelled();
    this.isKept = header("X-Kept") === "1";
    this.isMendable = header("X-Mendable") === "1";
    this.charged = thousandths(header("X-Credits-Charged"));
    this.balance = thousandths(header("X-Credits-Remaining"));
    this.original ??= numbersOf(header("X-Input-Size")); // of what only the server could read
    this.#change("processing"); // shown at once: a later answer may be ready earlier
    this.#cutout = new Cutout(blob, upload, { isDelta: isExact });
    await this.#show(await this.#cutout.pixels(pixels), boxOf(header("X-Result-Foreground")));
    await this.#touchUpAgain();
    this.#throwIfCancelled();
  }

  /** The network gave the same cut-out as before. */
  async #touchUpAgain() {
    if (!this.earlier) return;
    const pixels = await new Cutout(this.earlier).pixels();
    this.earlier = null;
    if (pixels.width !== this.size[0] || pixels.height !== this.size[1]) return; // the free size has changed
    await this.#cutout.replace(pixels);
    await this.#show(pixels);
  }

  async #show(cutout, foreground = foregroundBox(cutout)) {
    this.#casts.clear();
    this.size = [cutout.width, cutout.height];
    this.foreground = foreground;
    this.after = await previewOf(toImageData(cutout));
  }

  #throwIfCancelled() {
    this.#abort.signal.throwIfAborted();
  }

  #send(server, read) {
    const { id, name, isFull, model } = this;
    const sample = read.upload === this.file && this.sample;
    const fields = exchange.fieldsOf({ id, name, isFull, model, link: this.#link, sample }, read);
    return exchange.send(fields, server, {
      signal: this.#abort.signal,
      onStart: () => {
        Object.assign(this, { busy: false, wasSent: true });
        this.#change("uploading");
      },
      onUpload: (share) => this.#uploaded(share),
      onWait: () => {
        this.busy = true;
        this.#change("waiting");
      },
    });
  }

  #uploaded(share) {
    if (this.settled) return;
    this.share = share;
    this.#change(share < 1 ? "uploading" : "processing");
  }

  #end(error) {
    if (this.state === "cancelled") return;
    const known = error instanceof RemovalFailure;
    if (!known) console.error(error);
    if (known && error.isHourUsedUp && !this.isFull) return this.hold();
    const isHopeless = known && Boolean(this.file) && ANOTHER_FILE.includes(error.status);
    this.fail(known ? error.message : text("error.unexpected"), { status: error.status, isHopeless });
  }

  #change(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** 32 hexadecimal digits; crypto.randomUUID would need HTTPS. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function numbersOf(text) {
  return text.split(" ").map(Number);
}

/** A box as the server sends it: "top left width height". */
function boxOf(numbers) {
  const [top, left, width, height] = numbersOf(numbers);
  return { top, left, width, height };
}

function lastPart(address) {
  return new URL(address).pathname.split("/").pop();
}
