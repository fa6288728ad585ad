/** The page's sentences in the visitor's language, from a JSON block in the page. */

const texts = JSON.parse(document.getElementById("texts").textContent);

/** The sentence `key` with its {placeholders} filled; throws for an unknown key. */
export function text(key, places = {}) {
  if (!(key in texts)) throw new Error(`No sentence for ${key}`);
  return texts[key].replace(/\{(\w+)\}/g, (whole, name) => (name in places ? places[name] : whole));
}
