"""How much longer a photo takes to be on a visitor's screen than through the API, and how soon
scribbles show.

    make bench-page                       five rounds with 12 megapixels
    make bench-page ARGS="--rounds 9 --megapixels 24"

Both ways go to the same server on this machine, in turns: the API call as a program makes it, for a
PNG; and the page in Chromium, from the moment the photo is chosen until the cut-out has been
decoded and a frame with it has been drawn. Then, with 1, 12 and 25 megapixels, scribbles in the
touch-up dialog: from the pointer's going up until the first frame with new pixels, and until the
cut-out itself has them. The exit status is 0 where the medians' ratio for a photo is within 1.3.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from .photos import photo
from .site import Site

MOST = 1.3
SCRIBBLED_MEGAPIXELS = (1, 12, 25)
READY_MS = 4000  # in which a person looks at the picture, and the server makes its work copy
SCRIBBLES = (  # from and to, as shares of the picture: over its background, one after another
    ("Keep", (0.06, 0.08), (0.16, 0.12)),
    ("Remove", (0.06, 0.08), (0.16, 0.12)),
    ("Keep", (0.88, 0.3), (0.94, 0.38)),
    ("Remove", (0.88, 0.3), (0.94, 0.38)),
)
# Calls back with the milliseconds from the choice of a file to the frame that shows its cut-out.
WATCH = """
() => {
  window.shown = new Promise((resolve) => {
    let chosen = 0;
    document.addEventListener("change", () => (chosen = performance.now()), { capture: true, once: true });
    new MutationObserver(async (_, observer) => {
      const image = document.querySelector("[data-state=done] .compare-after img:not([hidden])");
      if (!image) return;
      observer.disconnect();
      await image.decode();
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - chosen)));
    }).observe(document.getElementById("pictures"), { subtree: true, childList: true, attributes: true });
  });
}
"""  # noqa: E501

# Calls back with the milliseconds from the pointer's going up to the first frame that shows new
# pixels, and to the frame after the dialog has said that it is done.
WATCH_SCRIBBLE = """
() => {
  const context = document.querySelector(".editor-canvas").getContext("2d");
  const status = document.querySelector(".editor-status");
  const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  window.scribbled = new Promise((resolve) => {
    let up = 0;
    let shown = null;
    const since = async () => {
      await drawn();
      return performance.now() - up;
    };
    addEventListener("pointerup", () => (up = performance.now()), { capture: true, once: true });
    context.putImageData = (...parts) => {
      CanvasRenderingContext2D.prototype.putImageData.apply(context, parts);
      if (up) shown ??= since();
    };
    const observer = new MutationObserver(async () => {
      if (!up || !["Kept.", "Removed."].includes(status.textContent)) return;
      observer.disconnect();
      const done = await since();
      delete context.putImageData;
      resolve([await shown, done]);
    });
    observer.observe(status, { childList: true, characterData: true, subtree: true });
  });
}
"""  # noqa: E501


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megapixels", type=float, default=12)
    chosen = parser.parse_args()
    picture = photo(chosen.megapixels)
    free = {"REMOVAL_ANONYMOUS_MAX_PIXELS": "25000000", "REMOVAL_ANONYMOUS_PER_HOUR": "1000"}
    with Site(**free) as site, tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file = Path(folder) / "photo.jpg"
        file.write_bytes(picture)
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        by_api, by_page = [], []
        for number in range(chosen.rounds + 1):
            api, page = time_api(site, picture), time_page(browser, site, file)
            if number:  # the first is for caches
                by_api.append(api)
                by_page.append(page)
                print(f"round {number}: API {api:.2f} s, page {page:.2f} s", flush=True)
        time_scribbles(browser, site, Path(folder))
    ratio = statistics.median(by_page) / statistics.median(by_api)
    verdict = "within" if ratio <= MOST else "ABOVE"
    print(f"{chosen.megapixels:g} megapixels: page / API = {ratio:.2f}, {verdict} {MOST}")
    return int(ratio > MOST)


def time_api(site: Site, picture: bytes) -> float:
    started = time.perf_counter()
    status, _ = site.remove_background(picture, **{"output.format": "png"})
    if status != 200:
        raise SystemExit(f"The API answered {status}.")
    return time.perf_counter() - started


def time_page(browser: Browser, site: Site, file: Path) -> float:
    with browser.new_context(reduced_motion="reduce") as context:
        page: Page = context.new_page()
        page.goto(site.address)
        page.evaluate(WATCH)
        page.set_input_files("#file-input", file)
        return float(page.evaluate("shown")) / 1000


def time_scribbles(browser: Browser, site: Site, folder: Path) -> None:
    """Print the medians, in seconds and as ratios to the API's time for the same photo."""
    for megapixels in SCRIBBLED_MEGAPIXELS:
        file = folder / f"scribbled-{megapixels}.jpg"
        file.write_bytes(photo(megapixels))
        api = statistics.median(time_api(site, file.read_bytes()) for _ in range(3))
        times = _scribble(browser, site, file)
        seen, done = (statistics.median(kind) for kind in zip(*times, strict=True))
        print(
            f"{megapixels} megapixels: a scribble shows after {seen:.2f} s, {seen / api:.2f} "
            f"of the API's {api:.2f} s; the cut-out has it after {done:.2f} s ({done / api:.2f})",
            flush=True,
        )


def _scribble(browser: Browser, site: Site, file: Path) -> list[tuple[float, float]]:
    """Seconds of each scribble: until it shows, and until the cut-out has it."""
    with browser.new_context(reduced_motion="reduce") as context:
        page: Page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(site.address)
        page.set_input_files("#file-input", file)
        page.locator("[data-state=done] [data-action=touch-up]").click()
        page.locator(".editor-canvas").wait_for()
        page.wait_for_timeout(READY_MS)
        return [_one_scribble(page, *scribble) for scribble in SCRIBBLES]


def _one_scribble(
    page: Page, tool: str, start: tuple[float, float], end: tuple[float, float]
) -> tuple[float, float]:
    page.get_by_role("radio", name=tool, exact=True).check(force=True)
    box = page.locator(".editor-canvas").bounding_box()
    assert box is not None
    page.evaluate(WATCH_SCRIBBLE)
    for number, (x, y) in enumerate((start, end)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if not number:
            page.mouse.down()
    page.mouse.up()
    shown, done = page.evaluate("scribbled")
    return shown / 1000, done / 1000


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("Chromium is missing (apt install chromium).")
    return found


if __name__ == "__main__":
    sys.exit(main())
