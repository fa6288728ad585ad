/** Zooms and moves a canvas inside a box: converts between screen and picture. */

const MOST = 32; // screen pixels a picture pixel
const PIXELS_FROM = 3; // from this zoom on, single pixels are shown as squares

export class View {
  #box;
  #canvas;
  #zoom = 1;
  #x = 0; // of the canvas's corner in the box
  #y = 0;

  constructor(box, canvas) {
    this.#box = box;
    this.#canvas = canvas;
  }

  get zoom() {
    return this.#zoom;
  }

  /** The whole picture, in the middle. */
  fit() {
    const { clientWidth, clientHeight } = this.#box;
    const { width, height } = this.#canvas;
    this.#zoom = Math.min(clientWidth / width, clientHeight / height, MOST);
    this.#x = (clientWidth - width * this.#zoom) / 2;
    this.#y = (clientHeight - height * this.#zoom) / 2;
    this.#apply();
  }

  /** Zoom by a factor; the point [x, y] of the screen stays where it is. */
  zoomBy(factor, point = this.#middle()) {
    const least = Math.min(1, 48 / Math.max(this.#canvas.width, this.#canvas.height));
    const zoom = Math.min(MOST, Math.max(least, this.#zoom * factor));
    const { left, top } = this.#box.getBoundingClientRect();
    const [x, y] = [point[0] - left, point[1] - top];
    this.#x = x - (x - this.#x) * (zoom / this.#zoom);
    this.#y = y - (y - this.#y) * (zoom / this.#zoom);
    this.#zoom = zoom;
    this.#apply();
  }

  moveBy(x, y) {
    this.#x += x;
    this.#y += y;
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

  #middle() {
    const { left, top, width, height } = this.#box.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  }

  #apply() {
    const { style } = this.#canvas;
    style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#zoom})`;
    style.setProperty("--zoom", this.#zoom);
    style.imageRendering = this.#zoom >= PIXELS_FROM ? "pixelated" : "auto";
  }
}
