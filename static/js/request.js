/** Sends one picture: upload with progress, then the result or a RemovalFailure. */

import { text } from "./text.js";

export const LONGEST_BUSY_WAIT_S = 15; // for a slot; longer waits are for the next hour

/** Why a picture failed; the message is a sentence for the visitor. */
export class RemovalFailure extends Error {
  constructor(message, { status = 0, code = 0, retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }

  /** Whether to wait for the hour's end, not only for a free slot. */
  get isHourUsedUp() {
    return this.status === 429 && this.retryAfter > LONGEST_BUSY_WAIT_S;
  }
}

/**
 * POST `fields` (name -> string or File) to `url`.
 * `onUpload(share)` is called with the share sent, 0 to 1; after 1 the server is working.
 * Resolves to {blob, header(name)}; rejects with RemovalFailure, or with the signal's reason.
 */
export function post(url, fields, { csrfToken, signal, onUpload }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("POST", url);
    request.responseType = "blob";
    request.setRequestHeader("X-CSRFToken", csrfToken);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onUpload(event.loaded / event.total);
    };
    request.upload.onload = () => onUpload(1);
    request.onload = () => answer(request).then(resolve, reject);
    request.onerror = () => reject(new RemovalFailure(text("error.offline")));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    request.send(form(fields));
  });
}

function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}

async function answer(request) {
  const header = (name) => request.getResponseHeader(name);
  if (request.status === 200) return { blob: request.response, header };
  throw await failureOf(request.status, { get: header }, () => request.response.text());
}

/** The failure in an error response; `body()` resolves to its text. */
export async function failureOf(status, headers, body) {
  const retryAfter = Number(headers.get("Retry-After")) || 0;
  if ((headers.get("Content-Type") || "").startsWith("application/json")) {
    const { error } = JSON.parse(await body());
    return new RemovalFailure(error.message, { status, code: error.code, retryAfter });
  }
  const key = status === 403 ? "error.expired" : "error.unexpected";
  return new RemovalFailure(text(key), { status, retryAfter });
}
