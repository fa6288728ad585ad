/** The before/after slider: the original left of the handle, the cut-out right of it. */

const REST = 30; // per cent of the original that stays in sight
const REVEAL_MS = 900;

export class Compare {
  #root;
  #slider;
  #urls = new Map();
  #frame = 0; // of the opening animation

  constructor(root) {
    this.#root = root;
    this.#slider = root.querySelector(".compare-slider");
    this.#slider.addEventListener("input", () => {
      cancelAnimationFrame(this.#frame);
      this.#split(this.#slider.value);
    });
  }

  /** Show the original; resolves to whether this browser can. */
  async showBefore(blob, alt) {
    return this.#show(".compare-before", blob, alt);
  }

  async showAfter(blob, alt, withSlider) {
    await this.#show(".compare-after", blob, alt);
    this.#slider.hidden = !withSlider;
    if (withSlider) this.#reveal();
    else this.#split(0);
  }

  reset() {
    this.#hide(".compare-after");
    this.#slider.hidden = true;
    this.#split(100);
  }

  release() {
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
  }

  async #show(selector, blob, alt) {
    this.#hide(selector);
    const image = this.#root.querySelector(selector);
    const url = URL.createObjectURL(blob);
    this.#urls.set(selector, url);
    image.src = url;
    image.alt = alt;
    try {
      await image.decode();
    } catch {
      return false;
    }
    image.hidden = false;
    return true;
  }

  #hide(selector) {
    const image = this.#root.querySelector(selector);
    image.hidden = true;
    image.removeAttribute("src");
    URL.revokeObjectURL(this.#urls.get(selector));
    this.#urls.delete(selector);
  }

  #split(percent) {
    this.#slider.value = percent;
    this.#root.style.setProperty("--split", `${percent}%`);
  }

  /** Draw the curtain from the original to its resting place, unless the visitor takes it over. */
  #reveal() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still) return this.#split(REST);
    const began = performance.now();
    const step = (now) => {
      const rest = 1 - Math.min(1, Math.max(0, (now - began) / REVEAL_MS));
      this.#split(REST + (100 - REST) * rest ** 3);
      this.#frame = rest ? requestAnimationFrame(step) : 0;
    };
    this.#frame = requestAnimationFrame(step);
  }
}
