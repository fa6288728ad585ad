/** Mouse, pen and fingers on the touch-up dialog's view: strokes, moving, zooming. */

const WHEEL = 1.0015; // zoom a pixel of scrolling

/**
 * on: {pans(event), begin(point, event), extend(points), end(), cancel(), hover(point or null)}, where
 * points are on the screen. `cancel`: a second finger has come, so that it was no stroke.
 */
export function listenToPointers(box, view, on) {
  const pointers = new Map(); // id -> [x, y] on the screen
  let isDrawing = false;

  const stop = (how) => {
    if (isDrawing) on[how]();
    isDrawing = false;
  };

  box.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    box.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, pointOf(event));
    if (pointers.size > 1) return stop("cancel");
    if (event.button > 1) return;
    isDrawing = !(event.button === 1 || on.pans(event));
    if (isDrawing) on.begin(pointOf(event));
  });

  box.addEventListener("pointermove", (event) => {
    on.hover(pointOf(event));
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    if (pointers.size > 1) pinch(pointers, event.pointerId, now, view);
    else if (isDrawing) on.extend(partsOf(event));
    else view.moveBy(now[0] - before[0], now[1] - before[1]);
    pointers.set(event.pointerId, now);
  });

  const lift = (event, how) => {
    pointers.delete(event.pointerId);
    stop(how);
  };
  box.addEventListener("pointerup", (event) => lift(event, "end"));
  box.addEventListener("pointercancel", (event) => lift(event, "cancel"));
  box.addEventListener("pointerleave", () => on.hover(null));
  box.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      view.zoomBy(WHEEL ** -event.deltaY, pointOf(event));
      on.hover(pointOf(event));
    },
    { passive: false },
  );
}

/** The browser reports only the last point between two frames; use all of them. */
function partsOf(event) {
  const parts = event.getCoalescedEvents?.() ?? [];
  return (parts.length ? parts : [event]).map(pointOf);
}

function pinch(pointers, id, now, view) {
  const [[, other]] = [...pointers].filter(([otherId]) => otherId !== id);
  const before = pointers.get(id);
  const middle = (a) => [(a[0] + other[0]) / 2, (a[1] + other[1]) / 2];
  const reach = (a) => Math.max(1, Math.hypot(a[0] - other[0], a[1] - other[1]));
  view.moveBy(middle(now)[0] - middle(before)[0], middle(now)[1] - middle(before)[1]);
  view.zoomBy(reach(now) / reach(before), middle(now));
}

function pointOf({ clientX, clientY }) {
  return [clientX, clientY];
}
