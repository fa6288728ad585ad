/** The keyboard in the touch-up dialog: on the canvas all of the brush, elsewhere what works anywhere. */

const SIZE_STEP = 4; // of the brush, a key
const STEP = 1.4; // zoom a key
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * on: undo, redo, leave(event), fit, actual, zoom(factor), resize(by), original(isShown), dab,
 * move([x, y], isDrawing), endLine, pan(isOn), isOverView.
 * Returns {pans()}: whether a pointer that goes down now moves the picture, as Space is held.
 */
export function listenToKeys(dialog, canvas, on) {
  let space = null; // while it is held: {hasMoved}

  const shortcut = (event) => {
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) on.redo();
    else on.undo();
  };

  const anywhere = {
    o: () => on.original(true),
    0: () => on.fit(),
    1: () => on.actual(),
  };

  dialog.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey) return shortcut(event);
    if (event.altKey) return;
    // Enter in a field would press the first button, Cancel
    if (key === "Enter" && target.matches("input")) return event.preventDefault();
    if (key === "Escape") return on.leave(event);
    if (key === " " && (target === canvas || on.isOverView())) {
      event.preventDefault();
      space ??= { hasMoved: false };
      on.pan(true);
    }
    anywhere[key.toLowerCase()]?.();
  });

  dialog.addEventListener("keyup", ({ key, target }) => {
    if (key.toLowerCase() === "o") on.original(false);
    if (key === "Shift") on.endLine();
    if (key !== " " || !space) return;
    const { hasMoved } = space;
    space = null;
    on.pan(false);
    if (!hasMoved && target === canvas) on.dab();
  });

  const onCanvas = {
    Enter: () => on.dab(),
    "[": () => on.resize(-SIZE_STEP),
    "]": () => on.resize(SIZE_STEP),
    "+": () => on.zoom(STEP),
    "-": () => on.zoom(1 / STEP),
    z: () => on.undo(),
    Z: () => on.redo(),
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key];
    if (move) on.move(move, event.shiftKey);
    else if (onCanvas[event.key]) onCanvas[event.key]();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => on.endLine());

  const pans = () => {
    if (space) space.hasMoved = true;
    return space !== null;
  };
  return { pans };
}
