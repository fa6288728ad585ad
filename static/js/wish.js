/** The picture that somebody went to sign in or to buy credits for, remembered on the way. */

const KEY = "wish";

export class Wish {
  #milliseconds;

  constructor(hours) {
    this.#milliseconds = hours * 3_600_000;
  }

  /** The picture's id, or "". */
  get id() {
    try {
      const { id, until } = JSON.parse(localStorage.getItem(KEY));
      return until > Date.now() ? String(id) : "";
    } catch {
      return ""; // none
    }
  }

  make(id) {
    try {
      localStorage.setItem(KEY, JSON.stringify({ id, until: Date.now() + this.#milliseconds }));
    } catch (error) {
      console.info("The browser remembers no wish", error); // the picture is still on the page
    }
  }

  end() {
    localStorage.removeItem(KEY);
  }
}
