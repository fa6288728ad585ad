/**
 * Inflate (RFC 1950, RFC 1951) into a buffer of known size. The browser's DecompressionStream hands
 * its output out in small pieces; for a Delta PNG, which is nearly all repetition, that takes several
 * times as long as the work itself.
 */

const LENGTH_CODES = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]; // in their order
const LENGTHS = [...bases(3, [...Array(8).fill(0), ...each(4, 5)]), { base: 258, extra: 0, mask: 0 }];
const DISTANCES = bases(1, [...Array(4).fill(0), ...each(2, 13)]);
const FIXED = [...Array(144).fill(8), ...Array(112).fill(9), ...Array(24).fill(7), ...Array(8).fill(8)];

/** The zlib stream `bytes` -> Uint8Array of `size`; throws where it holds anything else. */
export function inflate(bytes, size) {
  if ((bytes[0] & 15) !== 8 || ((bytes[0] << 8) | bytes[1]) % 31) throw new Error("zlib: no header");
  const stream = { bytes, at: 2, bits: 0, count: 0, out: new Uint8Array(size), end: 0 };
  for (let isLast = 0; !isLast; ) {
    isLast = take(stream, 1);
    const kind = take(stream, 2);
    if (kind === 0) copyStored(stream);
    else if (kind === 1) copyCoded(stream, tableOf(FIXED), tableOf(Array(30).fill(5)));
    else if (kind === 2) copyCoded(stream, ...readTables(stream));
    else throw new Error("zlib: unknown block");
  }
  if (stream.end !== size) throw new Error("zlib: wrong amount of data");
  return stream.out;
}

/** `count` bits as a number. */
function take(stream, count) {
  while (stream.count < count) {
    if (stream.at >= stream.bytes.length) throw new Error("zlib: it ends too early");
    stream.bits |= stream.bytes[stream.at++] << stream.count;
    stream.count += 8;
  }
  const value = stream.bits & ((1 << count) - 1);
  stream.bits >>>= count;
  stream.count -= count;
  return value;
}

function copyStored(stream) {
  take(stream, stream.count & 7); // up to the next whole byte
  const length = take(stream, 16);
  if (length !== (~take(stream, 16) & 0xffff)) throw new Error("zlib: broken block");
  stream.at -= stream.count >> 3;
  stream.bits = stream.count = 0;
  const stored = stream.bytes.subarray(stream.at, stream.at + length);
  if (stored.length !== length) throw new Error("zlib: it ends too early");
  stream.out.set(stored, stream.end);
  stream.at += length;
  stream.end += length;
}

function readTables(stream) {
  const [literals, distances] = [take(stream, 5) + 257, take(stream, 5) + 1];
  const lengths = Array(19).fill(0);
  const given = take(stream, 4) + 4;
  for (let i = 0; i < given; i += 1) lengths[LENGTH_CODES[i]] = take(stream, 3);
  const all = readLengths(stream, tableOf(lengths), literals + distances);
  return [tableOf(all.slice(0, literals)), tableOf(all.slice(literals))];
}

function readLengths(stream, table, wanted) {
  const lengths = [];
  while (lengths.length < wanted) {
    const symbol = next(stream, table);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) repeat(lengths, lengths.at(-1), 3 + take(stream, 2));
    else if (symbol === 17) repeat(lengths, 0, 3 + take(stream, 3));
    else repeat(lengths, 0, 11 + take(stream, 7));
  }
  if (lengths.length !== wanted) throw new Error("zlib: broken codes");
  return lengths;
}

function repeat(lengths, value, times) {
  if (value === undefined) throw new Error("zlib: broken codes");
  for (let i = 0; i < times; i += 1) lengths.push(value);
}

/** One symbol, bit by bit: for the few that describe the codes. */
function next(stream, { entries, width }) {
  for (let length = 1, bits = 0; length <= width; length += 1) {
    bits |= take(stream, 1) << (length - 1);
    const entry = entries[bits];
    if ((entry & 15) === length) return entry >> 4;
  }
  throw new Error("zlib: unknown code");
}

/**
 * By the next `width` bits of the stream: symbol << 4 | the code's length, 0 where no code is. A
 * code's first bit is the lowest.
 */
function tableOf(lengths) {
  const width = Math.max(1, ...lengths);
  const entries = new Uint16Array(1 << width);
  let code = 0;
  for (let length = 1; length <= width; length += 1) {
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] !== length) continue;
      if (code >> length) throw new Error("zlib: too many codes");
      const entry = (symbol << 4) | length;
      for (let i = reversed(code, length); i < entries.length; i += 1 << length) entries[i] = entry;
      code += 1;
    }
    code <<= 1;
  }
  return { entries, width };
}

function reversed(code, length) {
  let turned = 0;
  for (let i = 0; i < length; i += 1) turned |= ((code >> i) & 1) << (length - 1 - i);
  return turned;
}

/** A block of codes. The state is in local variables, as this loop is where the time goes. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: calls would cost more than they explain
function copyCoded(stream, literals, distances) {
  const { bytes, out } = stream;
  let { at, bits, count, end } = stream;
  const [literalMask, distanceMask] = [literals.entries.length - 1, distances.entries.length - 1];
  for (;;) {
    for (; count < 15; count += 8) bits |= bytes[at++] << count; // nothing, after the last, is 0
    const entry = literals.entries[bits & literalMask];
    bits >>>= entry & 15;
    count -= entry & 15;
    const symbol = entry >> 4;
    if (symbol === 256) break;
    if (symbol < 256) {
      if (!entry || end >= out.length) throw new Error("zlib: broken data");
      out[end++] = symbol;
      continue;
    }
    const run = LENGTHS[symbol - 257];
    for (; count < 15; count += 8) bits |= bytes[at++] << count;
    const length = run.base + (bits & run.mask);
    bits >>>= run.extra;
    count -= run.extra;
    for (; count < 15; count += 8) bits |= bytes[at++] << count;
    const entryBack = distances.entries[bits & distanceMask];
    bits >>>= entryBack & 15;
    count -= entryBack & 15;
    const back = DISTANCES[entryBack >> 4];
    for (; count < 15; count += 8) bits |= bytes[at++] << count;
    const distance = back.base + (bits & back.mask);
    bits >>>= back.extra;
    count -= back.extra;
    if (!entryBack || distance > end || end + length > out.length) throw new Error("zlib: broken data");
    copyBack(out, end, distance, length);
    end += length;
  }
  Object.assign(stream, { at, bits, count, end });
  if (at - (count >> 3) > bytes.length) throw new Error("zlib: it ends too early");
}

/** Copy `length` bytes from `distance` before; the ranges may overlap. */
function copyBack(out, end, distance, length) {
  if (distance === 1) {
    if (out[end - 1]) out.fill(out[end - 1], end, end + length); // the buffer is of zeros
  } else if (distance >= length && length > 24) {
    out.copyWithin(end, end - distance, end - distance + length);
  } else {
    for (let to = end; to < end + length; to += 1) out[to] = out[to - distance];
  }
}

/** Every number from 1 to `last` (of extra bits), `times` times. */
function each(times, last) {
  return Array.from({ length: last * times }, (_, i) => 1 + Math.floor(i / times));
}

/** What a symbol stands for: base + `extra` bits more. */
function bases(first, extras) {
  let base = first;
  return extras.map((extra) => {
    const row = { base, extra, mask: (1 << extra) - 1 };
    base += 1 << extra;
    return row;
  });
}
