/** Long work in slices, between which the page answers its visitor. */

const SLICE_MS = 12;

/**
 * Calls `work(item)` for each item, and `onShare(0 to 1)` between slices. Throws the signal's reason
 * once that is aborted.
 */
export async function inSlices(items, work, { signal, onShare }) {
  let until = performance.now() + SLICE_MS;
  for (const [number, item] of items.entries()) {
    if (performance.now() >= until) {
      onShare(number / items.length);
      await nextTurn();
      signal.throwIfAborted();
      until = performance.now() + SLICE_MS;
    }
    work(item);
  }
}

/** Not by a timer: in a tab that nobody looks at, one would take a second. */
function nextTurn() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
