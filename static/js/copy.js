// Copies the text of the element that a button's data-copy names.
const SHOWN_MS = 2000;

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.firstChild; // a name for screen readers may follow
  const label = words.data;
  button.hidden = !navigator.clipboard; // browsers have none on plain HTTP
  button.addEventListener("click", async () => {
    const value = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(value.textContent);
    } catch {
      getSelection().selectAllChildren(value); // refused: one key copies what is marked
      return;
    }
    words.data = button.dataset.done;
    setTimeout(() => {
      words.data = label;
    }, SHOWN_MS);
  });
}
