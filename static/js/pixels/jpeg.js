/** How many pixels a JPEG has, from its header (ITU T.81, annex B): without decoding it. */

const START = 0xffd8;
const HEAD_BYTES = 256 * 1024; // of which a camera's preview and profile take most
const ASIDE = [0xc4, 0xc8, 0xcc]; // tables among the markers that begin a frame, 0xc0 to 0xcf

/** The number of pixels; 0 if `file` is no JPEG or states its size later. */
export async function pixelsOfJpeg(file) {
  const view = new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer());
  if (view.byteLength < 4 || view.getUint16(0) !== START) return 0;
  for (let at = 2; at + 9 <= view.byteLength; ) {
    const [mark, marker] = [view.getUint8(at), view.getUint8(at + 1)];
    if (mark !== 0xff) return 0;
    if (marker === 0xff)
      at += 1; // any number of these may stand before a marker
    else if (isFrame(marker)) return view.getUint16(at + 5) * view.getUint16(at + 7);
    else at += 2 + view.getUint16(at + 2);
  }
  return 0;
}

function isFrame(marker) {
  return marker >= 0xc0 && marker <= 0xcf && !ASIDE.includes(marker);
}
