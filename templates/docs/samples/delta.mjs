// The cut-out from its Delta PNG (bytes) and the pixels of the photo that was sent
// ({ width, height, data } with RGBA bytes, as getImageData gives them).
export async function restore(delta, original) {
  const { width, height, data } = await decodePng(new Uint8Array(delta));
  if (width !== original.width || height !== original.height) {
    throw new Error("This delta belongs to another picture");
  }
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 0 && data[i] === 255) {
      data.set(original.data.subarray(i, i + 4), i);
    }
  }
  return { width, height, data };
}

// The pixels of a photo, upright, in the browser.
export async function pixelsOf(photo) {
  const bitmap = await createImageBitmap(photo);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}

// A PNG with 8-bit RGBA pixels, which is all that the API sends as a delta.
async function decodePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const parts = [];
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  const plain = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const rows = new Uint8Array(await new Response(plain).arrayBuffer());
  return { width, height, data: unfiltered(rows, width * 4, height) };
}

// Each row of a PNG says in its first byte how it was predicted from its neighbours.
function unfiltered(rows, stride, height) {
  const data = new Uint8ClampedArray(stride * height);
  for (let y = 0; y < height; y++) {
    const predict = predictors[rows[y * (stride + 1)]];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < 4 ? 0 : data[at - 4];
      const up = y === 0 ? 0 : data[at - stride];
      const corner = x < 4 || y === 0 ? 0 : data[at - stride - 4];
      data[at] = (rows[y * (stride + 1) + 1 + x] + predict(left, up, corner)) & 255;
    }
  }
  return data;
}

const predictors = [
  () => 0,
  (left) => left,
  (left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];

function paeth(left, up, corner) {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
