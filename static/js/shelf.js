/**
 * Photos that only this browser has in full, kept in it (IndexedDB) while the visitor is on other
 * pages: those that wait for the hour's free pictures, those whose free result is smaller, and
 * backgrounds.
 */

const NAME = "photos";
const MOST_BYTES = 500 * 2 ** 20;
export const [WAITING, LARGER] = ["waiting", "larger"];

export class Shelf {
  #account; // whose page this is; "" for a visitor
  #milliseconds;
  #opening = null;
  #last = Promise.resolve(); // of the changes, which are made one after the other

  constructor(account, hours) {
    this.#account = account;
    this.#milliseconds = hours * 3_600_000;
  }

  /** Keep a photo: {id, name, file, kind} and whatever else of it. Resolves to whether the browser does. */
  put(record) {
    return this.#change(() => this.#put(record));
  }

  async #put(record) {
    try {
      const others = (await this.#everything()).filter(({ id }) => id !== record.id);
      await this.#makeRoom(others, sizeOf(record));
      const [account, until] = [this.#account, Date.now() + this.#milliseconds];
      await this.#run((photos) => photos.put({ ...record, account, until }), "readwrite");
      return true;
    } catch (error) {
      console.info("The browser keeps no photo", error); // a private window, or its disk is full
      return false;
    }
  }

  /** The record of a picture, or null. */
  async get(id) {
    return (await this.#own()).find((record) => record.id === id) ?? null;
  }

  /** Those of a kind, in the order they came. */
  async all(kind) {
    return (await this.#own()).filter((record) => record.kind === kind).sort((a, b) => a.until - b.until);
  }

  delete(id) {
    return this.#change(() => this.#delete(id).catch(() => {}));
  }

  clear() {
    return this.#change(() => this.#run((photos) => photos.clear(), "readwrite").catch(() => {}));
  }

  #change(work) {
    this.#last = this.#last.then(work);
    return this.#last;
  }

  /** This person's; a visitor's stay theirs when they sign in. What has expired is deleted. */
  async #own() {
    const all = await this.#everything().catch(() => []);
    for (const { id, until } of all) if (until < Date.now()) this.delete(id);
    return all.filter(({ account, until }) => until >= Date.now() && (!account || account === this.#account));
  }

  /** The oldest go first. */
  async #makeRoom(others, size) {
    if (size > MOST_BYTES) throw new Error("too large");
    let used = others.reduce((sum, other) => sum + sizeOf(other), 0);
    for (const other of others.sort((a, b) => a.until - b.until)) {
      if (used + size <= MOST_BYTES) return;
      await this.#delete(other.id);
      used -= sizeOf(other);
    }
  }

  #delete(id) {
    return this.#run((photos) => photos.delete(id), "readwrite");
  }

  #everything() {
    return this.#run((photos) => photos.getAll());
  }

  async #run(work, mode = "readonly") {
    this.#opening ??= opened();
    const photos = (await this.#opening).transaction(NAME, mode).objectStore(NAME);
    return result(work(photos));
  }
}

function sizeOf({ file, touchedUp }) {
  return file.size + (touchedUp?.size ?? 0);
}

function opened() {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(NAME, { keyPath: "id" });
  return result(opening);
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
