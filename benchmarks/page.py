"""How much longer a photo takes to be on a visitor's screen than through the API.

    make bench-page                       five rounds with 12 megapixels
    make bench-page ARGS="--rounds 9 --megapixels 24"

Both ways go to the same server on this machine, in turns: the API call as a program makes it, for a
PNG; and the page in Chromium, from the moment the photo is chosen until the cut-out has been
decoded and a frame with it has been drawn. The exit status is 0 where the medians' ratio is within
1.3.
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


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("Chromium is missing (apt install chromium).")
    return found


if __name__ == "__main__":
    sys.exit(main())
