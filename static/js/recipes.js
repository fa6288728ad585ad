/** Recipes: presets of the options, the site's and the visitor's own; several at once as one ZIP. */

import { optionsOf, parametersOf, withShadow } from "./parameters.js";
import { failureOf } from "./request.js";
import { text } from "./text.js";

const KEPT = "recipes"; // in the browser's storage
const MOST = 20; // of the visitor's own

/**
 * The row of recipes. `panel` is the OptionsPanel that a recipe is applied to; the row shows which
 * recipe the panel's options are. `several(recipes)` makes the ZIP, `announce(sentence)` tells. A
 * "change" event fires when there are others, or the panel's options are another one.
 */
export class Recipes extends EventTarget {
  #root;
  #panel;
  #announce;
  #site; // [{name, title, parameters}]
  #own;

  constructor(root, panel, { csrfToken, several, announce }) {
    super();
    const { site, own } = JSON.parse(document.getElementById("recipe-table").textContent);
    this.#root = root;
    this.#panel = panel;
    this.#announce = announce;
    this.#site = site;
    const { endpoint } = root.dataset;
    this.#own = endpoint ? new InAccount(endpoint, csrfToken, own) : new InBrowser();
    this.#drawOwn();
    this.#mark();
    this.#listen(several);
  }

  /** The site's recipe that options are, or null. */
  siteRecipeOf(options) {
    return this.#site.find(({ parameters }) => this.#isShown(parameters, options)) ?? null;
  }

  /** All as [{value, title, parameters}], own settings first. */
  get choices() {
    const none = this.#root.querySelector("[name=recipe][value='']");
    return [{ value: "", title: none.closest("label").textContent.trim(), parameters: null }, ...this.#all];
  }

  /** The value of the recipe that the panel's options are; "" for own settings. */
  get value() {
    return this.valueOf(this.#panel.value);
  }

  /** The value of the recipe that options are; "" if they are none. */
  valueOf(options) {
    return this.#all.find(({ parameters }) => this.#isShown(parameters, options))?.value ?? "";
  }

  /** Set a panel's options to a recipe. */
  take(value, panel = this.#panel) {
    const recipe = this.#find(value);
    if (recipe) panel.apply(withShadow(recipe.parameters, panel.value));
  }

  /** Whether options are what a recipe sets. */
  #isShown(parameters, options) {
    return sameAs(options) === sameAs(optionsOf(withShadow(parameters, options), 0));
  }

  #listen(several) {
    const root = this.#root;
    for (const kind of ["input", "change", "submit"]) {
      root.addEventListener(kind, (event) => event.stopPropagation()); // not the panel's affair
    }
    root.addEventListener("change", ({ target }) => this.#changed(target));
    root.addEventListener("click", ({ target }) => {
      const { dataset } = target.closest("button") ?? { dataset: {} };
      if ("save" in dataset) this.#save();
      if ("delete" in dataset) this.#delete(dataset.delete);
      if ("several" in dataset) several(this.#ticked());
    });
    this.#nameField.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#save();
    });
    this.#panel.addEventListener("change", () => this.#mark());
  }

  #changed({ name, value }) {
    if (name === "recipe") this.take(value);
    if (name === "several") this.#root.querySelector("[data-several]").disabled = !this.#ticked().length;
  }

  get #nameField() {
    return this.#root.querySelector(".recipe-name");
  }

  /** All recipes, with the value of their buttons. */
  get #all() {
    const own = this.#own.list.map((recipe) => ({ ...recipe, title: recipe.name, value: `own:${recipe.name}` }));
    return [...this.#site.map((recipe) => ({ ...recipe, value: recipe.name })), ...own];
  }

  #find(value) {
    return this.#all.find((recipe) => recipe.value === value);
  }

  #ticked() {
    return [...this.#root.querySelectorAll("[name=several]:checked")].map(({ value }) => this.#find(value));
  }

  /** Check the recipe that the options are. */
  #mark() {
    const { value } = this;
    for (const button of this.#root.querySelectorAll("[name=recipe]")) button.checked = button.value === value;
    this.dispatchEvent(new Event("change"));
  }

  async #save() {
    const name = this.#nameField.value.trim();
    if (!name) return this.#nameField.focus();
    if (this.#panel.value.background.kind === "picture") return this.#say(text("recipe.picture"));
    const parameters = { "result.shadow": "none", ...Object.fromEntries(parametersOf(this.#panel.value)) };
    await this.#change(() => this.#own.save({ name, parameters }), text("recipe.saved", { name }));
    this.#nameField.value = "";
  }

  async #delete(name) {
    await this.#change(() => this.#own.delete(name), text("recipe.deleted", { name }));
    this.#nameField.focus(); // the button that was clicked is gone
  }

  async #change(act, sentence) {
    try {
      await act();
      this.#drawOwn();
      this.#mark();
      this.#say(sentence);
    } catch (error) {
      this.#say(error.message);
    }
  }

  #say(sentence) {
    this.#root.querySelector(".recipe-said").textContent = sentence;
    this.#announce(sentence);
  }

  #drawOwn() {
    const template = this.#root.querySelector("template").content;
    const places = { chip: ".recipe-chips", tick: ".recipe-ticks", row: ".recipe-own" };
    for (const [kind, place] of Object.entries(places)) {
      const parent = this.#root.querySelector(place);
      for (const old of parent.querySelectorAll("[data-own]")) old.remove();
      for (const { name } of this.#own.list) {
        const part = document.importNode(template.querySelector(`[data-own=${kind}]`), true);
        part.querySelector(".own-name").textContent = name;
        const input = part.querySelector("input");
        if (input) input.value = `own:${name}`;
        const button = part.querySelector("button");
        if (button) {
          button.dataset.delete = name;
          button.setAttribute("aria-label", text("recipe.delete", { name }));
        }
        parent.append(part);
      }
    }
  }
}

/** Options and parameters are compared by what differs from the defaults. */
function sameAs(options) {
  return options.background.kind === "picture" ? "" : JSON.stringify(parametersOf(options).sort());
}

/** Recipes of a visitor, for this browser alone. */
class InBrowser {
  list = remembered();

  save(recipe) {
    const others = this.list.filter(({ name }) => name !== recipe.name);
    if (others.length >= MOST) throw new Error(text("recipe.most", { count: MOST }));
    this.#keep([...others, recipe]);
  }

  delete(name) {
    this.#keep(this.list.filter((recipe) => recipe.name !== name));
  }

  #keep(list) {
    localStorage.setItem(KEPT, JSON.stringify(list));
    this.list = list;
  }
}

function remembered() {
  try {
    const list = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return list.filter(({ name, parameters }) => typeof name === "string" && sameAs(optionsOf(parameters, 0)));
  } catch {
    return []; // written by somebody else
  }
}

/** Recipes of somebody signed in, in the account. */
class InAccount {
  #endpoint;
  #csrfToken;

  constructor(endpoint, csrfToken, list) {
    this.#endpoint = endpoint;
    this.#csrfToken = csrfToken;
    this.list = list;
  }

  save(recipe) {
    return this.#ask("POST", recipe);
  }

  delete(name) {
    return this.#ask("DELETE", { name });
  }

  async #ask(method, body) {
    const headers = { "X-CSRFToken": this.#csrfToken, "Content-Type": "application/json" };
    const answer = await fetch(this.#endpoint, { method, headers, body: JSON.stringify(body) }).catch(() => null);
    if (!answer) throw new Error(text("error.offline"));
    if (!answer.ok) throw await failureOf(answer.status, answer.headers, () => answer.text());
    this.list = (await answer.json()).recipes;
  }
}
