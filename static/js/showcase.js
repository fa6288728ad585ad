/** The front page's before and after: the slider moves once by itself, and shows the chosen sample. */

const MOVE_MS = 2600;
const [FROM, LEAST, REST] = [88, 12, 50]; // per cent of the photo that is in sight

const figure = document.querySelector("#showcase");
const slider = figure.querySelector(".compare-slider");
const open = figure.querySelector("#open-sample");
let frame = 0;

slider.addEventListener("input", () => {
  cancelAnimationFrame(frame);
  split(slider.value);
});
figure.addEventListener("change", ({ target }) => target.name === "showcase" && choose(target));
slider.hidden = false;
const chosen = figure.querySelector("[name=showcase]:checked"); // browsers keep it across a reload
if (chosen !== figure.querySelector("[name=showcase]")) choose(chosen);
whenSeen(move);

function choose({ value, dataset: { before, after, photo, name, title, label } }) {
  for (const [selector, address] of [
    [".compare-before img", before],
    [".compare-after img", after],
  ]) {
    figure.querySelector(selector).src = address;
  }
  figure.querySelector(".compare-after img").alt = title;
  Object.assign(open.dataset, { sample: value, photo, name });
  open.setAttribute("aria-label", label);
}

function split(percent) {
  slider.value = percent;
  figure.querySelector(".compare").style.setProperty("--split", `${percent}%`);
}

/** Once, from the photo to the cut-out and back to the middle, unless somebody takes the handle. */
function move() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const began = performance.now();
  const step = (now) => {
    const share = Math.min(1, Math.max(0, (now - began) / MOVE_MS));
    split(at(share));
    if (share < 1) frame = requestAnimationFrame(step);
  };
  frame = requestAnimationFrame(step);
}

function at(share) {
  const [from, to, t] = share < 0.65 ? [FROM, LEAST, share / 0.65] : [LEAST, REST, (share - 0.65) / 0.35];
  return from + (to - from) * t * t * (3 - 2 * t);
}

function whenSeen(act) {
  const observer = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    observer.disconnect();
    act();
  });
  observer.observe(slider);
}
