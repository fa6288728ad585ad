// Remembers the chosen programming language from page to page.
const KEY = "docs-language";
const choices = [...document.querySelectorAll(".tabs input")];

for (const choice of choices) {
  if (choice.value === sessionStorage.getItem(KEY)) choice.checked = true;
  choice.addEventListener("change", () => sessionStorage.setItem(KEY, choice.value));
}
