/** Notices at the lower edge of the window: in sight wherever the page is scrolled to. */

export class Toasts {
  #list;
  #template;
  #error = null;

  constructor(list) {
    this.#list = list;
    this.#template = list.querySelector("template").content;
  }

  /** Show a sentence with a button; returns its element, to be removed by the caller. */
  offer(sentence, label, description, act) {
    const toast = this.#new(sentence);
    const button = toast.querySelector("button");
    button.textContent = label;
    button.setAttribute("aria-label", description);
    button.addEventListener("click", act);
    this.#list.append(toast);
    return toast;
  }

  /**
   * Show what went wrong until it is closed or something else goes wrong; with `buy`, {address,
   * act(address)}, the way to credits, too.
   */
  complain(sentence, buy = null) {
    this.#error?.remove();
    this.#error = this.#new("");
    this.#error.classList.add("error");
    this.#error.querySelector("button").addEventListener("click", () => this.#error.remove());
    if (buy) this.#leadTo(buy);
    this.#list.append(this.#error);
    const line = this.#error.querySelector("p");
    line.setAttribute("role", "alert");
    line.textContent = sentence; // set once it stands in the page, as only changes are read out
  }

  #leadTo({ address, act }) {
    const link = this.#error.querySelector("a");
    link.href = address;
    link.hidden = false;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      act(address);
    });
  }

  #new(sentence) {
    const toast = document.importNode(this.#template, true).firstElementChild;
    toast.querySelector("p").textContent = sentence;
    return toast;
  }
}
