/** The options of results as parameters of the API, and back. */

import { parseMargin, parseTarget } from "./pixels/geometry.js";
import { OPACITY } from "./pixels/shadow.js";

/** Options that differ from the API's defaults -> [[name, text]]; a background picture has none. */
export function parametersOf(options) {
  const { background, crop, marginText, targetText, alignment, shadow, shadowOpacity, format, quality } = options;
  const opaque = background.kind === "colour";
  const lossy = ["jpeg", "webp", "zip"].includes(format) || (format === "auto" && opaque);
  const all = {
    "background.color": opaque ? background.colour.toUpperCase() : "",
    "result.crop_to_foreground": crop ? "true" : "",
    "result.margin": marginText === "0" ? "" : marginText,
    "result.target_size": targetText,
    "result.vertical_alignment": targetText && alignment !== "middle" ? alignment : "",
    "result.shadow": shadow === "none" ? "" : shadow,
    "result.shadow_opacity": shadow === "none" || shadowOpacity === OPACITY[shadow] ? "" : String(shadowOpacity),
    "output.format": format === "auto" ? "" : format,
    "output.jpeg_quality": lossy && quality !== 75 ? String(quality) : "",
  };
  return Object.entries(all).filter(([, value]) => value);
}

/** Those of parametersOf that are about the shadow, which the site's recipes leave to the visitor. */
export function shadowOf(options) {
  return parametersOf(options).filter(([name]) => name.startsWith("result.shadow"));
}

/** A recipe that says nothing of a shadow leaves that of the options. */
export function withShadow(parameters, options) {
  return "result.shadow" in parameters ? parameters : { ...parameters, ...Object.fromEntries(shadowOf(options)) };
}

/** The options that such parameters mean; throws GeometryError. */
export function optionsOf(parameters, maxPixels) {
  const colour = parameters["background.color"];
  const marginText = parameters["result.margin"] ?? "0";
  const targetText = parameters["result.target_size"] ?? "";
  const shadow = parameters["result.shadow"] ?? "none";
  return {
    background: colour ? { kind: "colour", colour: colour.toLowerCase() } : { kind: "none" },
    crop: parameters["result.crop_to_foreground"] === "true",
    margin: parseMargin(marginText),
    marginText,
    target: targetText ? parseTarget(targetText) : null,
    targetText,
    alignment: parameters["result.vertical_alignment"] ?? "middle",
    shadow,
    shadowOpacity: Number(parameters["result.shadow_opacity"] ?? OPACITY[shadow]),
    format: parameters["output.format"] ?? "auto",
    quality: Number(parameters["output.jpeg_quality"] ?? 75),
    maxPixels,
  };
}
