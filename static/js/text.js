/** The page's sentences in the visitor's language, handed over by the server as a JSON block. */

const texts = JSON.parse(document.getElementById("texts").textContent);

/** The sentence `key` with its {places} filled; an unknown key is a mistake of ours and throws. */
export function text(key, places = {}) {
  if (!(key in texts)) throw new Error(`No sentence for ${key}`);
  return texts[key].replace(/\{(\w+)\}/g, (whole, name) => (name in places ? places[name] : whole));
}
