/** Sends one picture, read in the browser where that is possible, until there is an answer. */

import { readOriginal } from "./pixels/original.js";
import { LONGEST_BUSY_WAIT_S, RemovalFailure, post } from "./request.js";
import { text } from "./text.js";

const BUSY_RETRIES = 5;

/** Sent as it is, because the browser can't read it; `file` is null for a link. */
export function unread(file) {
  return { isExact: false, look: async () => null, upload: file };
}

/**
 * Read a file: {upload, isExact, look()}.
 * upload: what to send; isExact: its pixels are the original's, so that a delta PNG is of use.
 */
export async function read(file, { isFull, original }, { freePixels, fullPixels, inputPixels }) {
  if (!file) return unread(null);
  const worthIt = !isFull || original; // nobody shall pay for a delta that is of no use
  const limit = isFull ? fullPixels : freePixels;
  const shrinks = !isFull || (original && original[0] * original[1] > inputPixels);
  return (worthIt && (await readOriginal(file, limit, shrinks))) || unread(file);
}

/** The fields of its request. */
export function fieldsOf({ id, name, isFull, model, link, sample }, { upload, isExact }) {
  const fields = {
    picture: id,
    name,
    resolution: isFull ? "full" : "free",
    "output.format": isExact ? "delta_png" : "png",
    model,
  };
  if (sample && isExact) return { ...fields, sample };
  if (link) return { ...fields, "image.url": link };
  return { ...fields, image: new File([upload], name, { type: upload.type }) };
}

/**
 * Resolves to the answer {blob, header(name)}. A server without a free slot is asked again, after
 * `onWait()`, without bothering the visitor.
 */
export async function send(fields, server, { signal, onStart, onUpload, onWait }) {
  if (fields.image?.size > server.maxBytes) throw tooManyBytes(server.maxBytes);
  for (let attempt = 1; ; attempt += 1) {
    try {
      signal.throwIfAborted();
      onStart();
      return await post(server.url, fields, { csrfToken: server.csrfToken, signal, onUpload });
    } catch (error) {
      const wait = error instanceof RemovalFailure ? error.retryAfter : 0;
      if (!wait || wait > LONGEST_BUSY_WAIT_S || attempt > BUSY_RETRIES) throw error;
      onWait();
      await pause(wait * 1000, signal);
    }
  }
}

function tooManyBytes(maxBytes) {
  const megabytes = Math.floor(maxBytes / 2 ** 20);
  return new RemovalFailure(text("error.tooManyBytes", { megabytes }), { status: 413 });
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
