/** How pictures come in: chosen, dropped anywhere on the page, pasted, or a sample clicked. */

/** Calls `onFiles(files)` for every way in. */
export function listen(workbench, onFiles) {
  chosen(workbench.querySelector("#file-input"), onFiles);
  dropped(workbench, onFiles);
  pasted(onFiles);
}

function chosen(input, onFiles) {
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  });
}

function dropped(workbench, onFiles) {
  let depth = 0; // dragenter and dragleave come for every element that is crossed
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    workbench.toggleAttribute("data-dragging", depth > 0);
  };
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => holdsFiles(event) && mark(1));
  addEventListener("dragleave", (event) => holdsFiles(event) && mark(-1));
  addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    onFiles([...event.dataTransfer.files]);
  });
}

function pasted(onFiles) {
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    onFiles(files);
  });
}
