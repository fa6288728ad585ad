/** The visitor's own background picture across reloads: the browser keeps it while it is in use. */

const ID = "background"; // of its record, and its kind

export async function keepBackground(panel, shelf) {
  let known = null; // file
  panel.addEventListener("change", () => {
    const { file = null } = panel.value.background;
    if (file === known) return;
    known = file;
    if (file) shelf.put({ id: ID, kind: ID, name: file.name, file });
    else shelf.delete(ID);
  });
  const kept = await shelf.get(ID);
  if (kept && panel.kind === "none") await panel.takePicture(kept.file);
}
