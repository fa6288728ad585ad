/** Zooms and moves a picture inside a box: converts between screen and picture. */

const MOST = 32; // screen pixels a picture pixel
const PIXELS_FROM = 3; // from this zoom on, single pixels are shown as squares

export class View {
  #box;
  #picture; // the element
  #size = [1, 1];
  #zoom = 1;
  #x = 0; // of the picture's corner in the box
  #y = 0;
  #isFitted = true;

  constructor(box, picture) {
    this.#box = box;
    this.#picture = picture;
    new ResizeObserver(() => this.#isFitted && this.fit()).observe(box);
  }

  get zoom() {
    return this.#zoom;
  }

  /** The longer side of the box, in pixels of the screen. */
  get side() {
    return Math.max(this.#box.clientWidth, this.#box.clientHeight);
  }

  /** Begin with another picture. */
  show(width, height) {
    this.#size = [width, height];
    Object.assign(this.#picture.style, { width: `${width}px`, height: `${height}px` });
    this.fit();
  }

  /** The whole picture, in the middle. */
  fit() {
    const { clientWidth, clientHeight } = this.#box;
    const [width, height] = this.#size;
    if (!clientWidth || !clientHeight) return;
    this.#zoom = Math.min(clientWidth / width, clientHeight / height, MOST);
    this.#x = (clientWidth - width * this.#zoom) / 2;
    this.#y = (clientHeight - height * this.#zoom) / 2;
    this.#isFitted = true;
    this.#apply();
  }

  /** Zoom by a factor; the point [x, y] of the screen stays where it is. */
  zoomBy(factor, point = this.#middle()) {
    const least = Math.min(1, 48 / Math.max(...this.#size));
    const zoom = Math.min(MOST, Math.max(least, this.#zoom * factor));
    const { left, top } = this.#box.getBoundingClientRect();
    const [x, y] = [point[0] - left, point[1] - top];
    this.#x = x - (x - this.#x) * (zoom / this.#zoom);
    this.#y = y - (y - this.#y) * (zoom / this.#zoom);
    this.#zoom = zoom;
    this.#isFitted = false;
    this.#apply();
  }

  moveBy(x, y) {
    this.#x += x;
    this.#y += y;
    this.#isFitted = false;
    this.#apply();
  }

  /** A point of the screen, in pixels of the picture. */
  toPicture([x, y]) {
    const { left, top } = this.#box.getBoundingClientRect();
    return [(x - left - this.#x) / this.#zoom, (y - top - this.#y) / this.#zoom];
  }

  /** A point of the picture, in pixels of the box. */
  toBox([x, y]) {
    return [this.#x + x * this.#zoom, this.#y + y * this.#zoom];
  }

  /** What of the picture is in sight: a box in its pixels. */
  get visible() {
    const [left, top] = [-this.#x / this.#zoom, -this.#y / this.#zoom];
    const { clientWidth, clientHeight } = this.#box;
    return { left, top, right: left + clientWidth / this.#zoom, bottom: top + clientHeight / this.#zoom };
  }

  #middle() {
    const { left, top, width, height } = this.#box.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  }

  #apply() {
    const { style } = this.#picture;
    style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#zoom})`;
    style.setProperty("--zoom", this.#zoom);
    style.imageRendering = this.#zoom >= PIXELS_FROM ? "pixelated" : "auto";
    this.#box.dispatchEvent(new Event("zoom"));
  }
}
