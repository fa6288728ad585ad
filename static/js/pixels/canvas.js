/** Conversions between pixels, canvases and the browser's picture codecs. */

export function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  return [canvas, context];
}

/** Straight RGBA pixels {width, height, data} on a canvas. */
export function toCanvas({ width, height, data }) {
  const [canvas, context] = newCanvas(width, height);
  context.putImageData(toImageData({ width, height, data }), 0, 0);
  return canvas;
}

/** The same pixels as an ImageData, without a copy. */
export function toImageData({ width, height, data }) {
  return new ImageData(new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength), width, height);
}

/** The RGBA pixels of anything that can be drawn, scaled to the size. */
export function toPixels(source, width = source.width, height = source.height) {
  const [canvas, context] = newCanvas(width, height);
  context.drawImage(source, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  release(canvas);
  return { width, height, data };
}

/** Encode with the browser's codec; throws if it has none for `type`. */
export function toBlob(canvas, type, quality) {
  return new Promise((resolve, reject) => {
    const take = (blob) => (blob?.type === type ? resolve(blob) : reject(new Error(`no ${type}`)));
    canvas.toBlob(take, type, quality);
  });
}

/** Free the canvas's memory at once instead of at the next garbage collection. */
export function release(canvas) {
  canvas.width = canvas.height = 0;
}
