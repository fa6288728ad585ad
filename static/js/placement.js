/** Moving the subject within its frame: as margins and alignment, which the API takes just so. */

import { combined } from "./own-options.js";
import { layout } from "./pixels/geometry.js";
import { resolvedFormat } from "./pixels/render.js";

const DECIMALS = 4; // of per cent: exact to the pixel up to a width of 500,000

/**
 * Where the subject is under the options: {canvas: [w, h], left, top, width, height} in pixels of the
 * result, or null where no subject was found. Throws GeometryError.
 */
export function subjectOf(options, { size, foreground }) {
  if (!foreground.width || !foreground.height) return null;
  const { canvas, content, drawn } = layout(size, foreground, { ...options, format: resolvedFormat(options) });
  if (options.crop) return { canvas, ...drawn };
  const scale = drawn.width / content.width;
  const of = (length) => Math.round(length * scale);
  const [width, height] = scaled(foreground, scale);
  const left = Math.min(drawn.left + of(foreground.left), canvas[0] - width);
  const top = Math.min(drawn.top + of(foreground.top), canvas[1] - height);
  return { canvas, left, top, width, height };
}

/**
 * The options that put the subject's box with its corner at [left, top], or as near as it fits into
 * the frame: {crop, marginText, alignment}. Frame and subject keep their sizes.
 */
export function movedTo([left, top], options, picture) {
  const subject = subjectOf(options, picture);
  return options.target ? inTarget([left, top], subject, picture) : inMargins([left, top], subject, options);
}

/** The same, complete: options as of OptionsPanel.value. */
export function moved(point, options, picture) {
  return combined(options, movedTo(point, options, picture));
}

/** Without a target the margins make the frame; in per cent they mean the same at any resolution. */
function inMargins([left, top], { canvas: [width, height], ...box }, { alignment }) {
  const [x, y] = [within(left, width - box.width), within(top, height - box.height)];
  const margins = [y, width - box.width - x, height - box.height - y, x];
  const marginText = margins.map((pixels) => `${Number(((100 * pixels) / box.width).toFixed(DECIMALS))}%`).join(" ");
  return { crop: true, marginText, alignment };
}

/** A target's subject is as large as the room that the margins leave it, so they leave just as much. */
function inTarget([left, top], { canvas: [width, height], ...box }, { foreground }) {
  const [roomX, roomY] = roomFor(box, foreground);
  const x = within(left, width - roomX);
  const y = within(top, height - box.height);
  const isLow = y > height - roomY; // the room is a pixel higher than the subject, and ends with the frame
  const above = isLow ? Math.max(0, height - roomY) : y;
  const margins = [above, Math.max(0, width - roomX - x), Math.max(0, height - roomY - above), x];
  const marginText = margins.map((pixels) => `${pixels}px`).join(" ");
  return { crop: true, marginText, alignment: isLow ? "bottom" : "top" };
}

/** The longer side decides, so that both fit each other as layout would have them. */
function scaled({ width, height }, scale) {
  const whole = (length) => Math.max(1, Math.round(length));
  if (width >= height) return [whole(width * scale), whole((whole(width * scale) * height) / width)];
  return [whole((whole(height * scale) * width) / height), whole(height * scale)];
}

/** The smallest room in which a subject is drawn as large as `box`: one side decides, as in layout. */
function roomFor(box, { width, height }) {
  const exactHeight = Math.max(1, (box.width * height) / width);
  if (Math.round(exactHeight) === box.height) return [box.width, Math.ceil(exactHeight)];
  return [Math.ceil(Math.max(1, (box.height * width) / height)), box.height];
}

function within(value, most) {
  return Math.max(0, Math.min(Math.round(value), most));
}
