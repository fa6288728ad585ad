/** After a reload: restores stored pictures, in their order, and names lost ones. */

import { Picture } from "./picture.js";
import { Queue } from "./queue.js";
import { text } from "./text.js";

const LOST = "lost"; // names of pictures that did not get to the server
const REMOVED = "removed"; // ids of pictures that were deleted as the page was left, or shortly before
const ORDER = "order"; // ids of all pictures, as they stood in this tab
const SENT = "sent"; // id and name of those that did, but whose answer was not awaited
const AHEAD = "50%"; // of the window's height: how far below it a picture is fetched

/**
 * Show the pictures stored on the server; `show(picture)` makes a card. Pictures are fetched when
 * their cards become visible, as there may be many.
 */
export function restore(kept, store, show) {
  const queue = new Queue(2);
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) fetch(target);
    },
    { rootMargin: AHEAD },
  );
  const waiting = new Map(); // element -> picture
  const fetch = (element) => {
    observer.unobserve(element);
    const picture = waiting.get(element);
    if (waiting.delete(element)) queue.add(() => picture.recall());
  };
  const removed = recalled(REMOVED);
  for (const id of removed) store.forget(id).catch(() => {}); // else it expires
  const reports = [...kept, ...lateOnes(kept)].filter(({ id }) => !removed.includes(id));
  for (const report of inOrder(reports)) {
    const picture = new Picture(null, report);
    const { root } = show(picture);
    const settled = (now) => {
      picture.resume(now, store);
      if (now.state !== "done") return;
      waiting.set(root, picture);
      observer.observe(root);
    };
    settled(report);
    if (report.state === "working") store.settled(report.id).then(settled, ({ message }) => picture.fail(message));
  }
}

/** The server knows when it got each file, which is later where one was tried again or enlarged. */
function inOrder(reports) {
  const order = peeked(ORDER);
  const place = ({ id }) => (order.includes(id) ? order.indexOf(id) : order.length);
  return reports.sort((one, other) => place(one) - place(other));
}

/** Remember across a reload how `pictures()` stood. */
export function rememberOrder(pictures) {
  addEventListener("pagehide", () => {
    remember(
      ORDER,
      pictures().map(({ id }) => id),
    );
  });
}

/** A picture that is being deleted must not be seen again, though the page is faster than the server. */
export function rememberRemoved(id) {
  remember(REMOVED, [...peeked(REMOVED), id]);
}

/** The server has deleted it. */
export function forgetRemoved(id) {
  remember(
    REMOVED,
    recalled(REMOVED).filter((other) => other !== id),
  );
}

/** Pictures sent so shortly before the reload that the server's list lacks them. */
function lateOnes(kept) {
  const known = new Set(kept.map(({ id }) => id));
  const sent = recalled(SENT).filter(({ id }) => !known.has(id));
  return sent.map(({ id, name }) => ({ id, name, state: "working", message: "" }));
}

/** Remember across a reload which of `pictures()` had not reached the server, and say so after it. */
export function tellOfLost(pictures, keeps, notice) {
  const names = recalled(LOST);
  notice.hidden = !names.length;
  notice.textContent = names.length ? text("lost", { names: names.join(", ") }) : "";
  addEventListener("pagehide", () => {
    const underWay = pictures().filter(({ state, isKept }) => state === "processing" && !isKept);
    const lost = pictures().filter((picture) => picture.isUnsent || (!keeps && underWay.includes(picture)));
    remember(
      LOST,
      lost.map(({ name }) => name),
    );
    remember(SENT, keeps ? underWay.map(({ id, name }) => ({ id, name })) : []);
  });
  addEventListener("pageshow", ({ persisted }) => persisted && [LOST, SENT].forEach(recalled));
}

function remember(key, list) {
  if (list.length) sessionStorage.setItem(key, JSON.stringify(list));
}

function peeked(key) {
  return JSON.parse(sessionStorage.getItem(key) ?? "[]");
}

/** Read the list once: the call deletes it. */
function recalled(key) {
  const list = peeked(key);
  sessionStorage.removeItem(key);
  return list;
}
