/** The visitor's own background pictures across reloads: the browser keeps those in use. */

const [ID, OF_ONE] = ["background", "background-of-one"]; // kinds of their records; the first one's id, too

/** That of all pictures. */
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

/** A background as the options have it, of a file; rejects where the browser can't read that. */
export async function backgroundOf(file) {
  const picture = await createImageBitmap(file);
  return { kind: "picture", picture, url: URL.createObjectURL(file), file };
}

/** Those that single pictures have for themselves. */
export class OwnBackgrounds {
  #shelf;
  #known = new Map(); // id of a picture -> file

  constructor(shelf) {
    this.#shelf = shelf;
  }

  /** As `own` of a picture has it now, or none. */
  keep({ id, own: { background } }) {
    const file = background?.file ?? null;
    if (file === (this.#known.get(id) ?? null)) return;
    if (file) {
      this.#known.set(id, file);
      this.#shelf.put({ id: recordOf(id), kind: OF_ONE, picture: id, name: file.name, file });
    } else {
      this.#known.delete(id);
      this.#shelf.delete(recordOf(id));
    }
  }

  /** Resolves to the backgrounds kept: [[id of a picture, background]]. */
  async kept() {
    const found = [];
    for (const { picture, file } of await this.#shelf.all(OF_ONE)) {
      const background = await backgroundOf(file).catch(() => null);
      if (!background) continue;
      this.#known.set(picture, file);
      found.push([picture, background]);
    }
    return found;
  }
}

function recordOf(id) {
  return `${OF_ONE}-${id}`;
}
