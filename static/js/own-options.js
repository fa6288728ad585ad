/** The options of one picture: those of all, except for what differs for it alone. */

import { parseMargin, parseTarget } from "./pixels/geometry.js";

const NAMES = [
  "background",
  "crop",
  "marginText",
  "targetText",
  "alignment",
  "shadow",
  "shadowOpacity",
  "format",
  "quality",
];

/** Options, as of OptionsPanel.value, with the picture's own ones in place of those of all. */
export function combined(general, own) {
  if (!Object.keys(own).length) return general;
  return completed({ ...general, ...own });
}

/** What of `options` differs from those of all. */
export function differing(options, general) {
  const differs = (name) => !isSame(options[name], general[name]);
  return Object.fromEntries(NAMES.filter(differs).map((name) => [name, options[name]]));
}

/** As JSON can hold it: a background picture can't be, and is left out. */
export function storable(own) {
  const names = NAMES.filter((name) => name in own && own[name].kind !== "picture");
  return Object.fromEntries(names.map((name) => [name, own[name]]));
}

/** Margins and target as geometry.js reads them; throws GeometryError. */
export function completed(options) {
  const { marginText, targetText } = options;
  return { ...options, margin: parseMargin(marginText), target: targetText ? parseTarget(targetText) : null };
}

function isSame(one, other) {
  if (one?.kind === "colour") return other.kind === "colour" && one.colour === other.colour;
  if (one?.kind) return one.kind === other.kind && one.url === other.url;
  return one === other;
}
