/** What a reload of the page leaves: kept pictures come back, lost ones are named. */

import { Picture } from "./picture.js";
import { Queue } from "./queue.js";
import { text } from "./text.js";

const LOST = "lost";
const AHEAD = "50%"; // of the window's height: how far below it a picture is fetched

/**
 * Show again what the server has kept; `show(picture)` makes its card. Pictures are fetched when
 * their cards come into sight, for there may be many.
 */
export function restore(kept, shelf, show) {
  const queue = new Queue(2);
  const observer = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => fetch(target)),
    { rootMargin: AHEAD },
  );
  const waiting = new Map(); // element -> picture
  const fetch = (element) => {
    observer.unobserve(element);
    const picture = waiting.get(element);
    if (waiting.delete(element)) queue.add(() => picture.recall());
  };
  for (const told of kept) {
    const picture = new Picture(null, told);
    const { root } = show(picture);
    const settled = (now) => {
      picture.resume(now, shelf);
      if (now.state !== "done") return;
      waiting.set(root, picture);
      observer.observe(root);
    };
    settled(told);
    if (told.state === "working") shelf.settled(told.id).then(settled, ({ message }) => picture.fail(message));
  }
}

/** Remember across a reload which of `pictures()` had not reached the server, and say so after it. */
export function tellOfLost(pictures, notice) {
  const names = JSON.parse(sessionStorage.getItem(LOST) ?? "[]");
  sessionStorage.removeItem(LOST);
  notice.hidden = !names.length;
  notice.textContent = names.length ? text("lost", { names: names.join(", ") }) : "";
  addEventListener("pagehide", () => {
    const lost = pictures().filter((picture) => picture.isUnsent);
    if (lost.length) sessionStorage.setItem(LOST, JSON.stringify(lost.map(({ name }) => name)));
  });
  addEventListener("pageshow", ({ persisted }) => persisted && sessionStorage.removeItem(LOST));
}
