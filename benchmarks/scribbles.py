"""How many scribbles mend a cut-out on the page, drawn in Chromium by a simulated person.

    make bench-scribbles                              a picture of our own
    make bench-scribbles ARGS="FOLDER ID [ID ...]"    pictures of a folder with a manifest.csv,
                                                      whose rows name an id, an image and a gt

The person looks for the largest wrong region, draws along its middle with a brush half as wide as
the region, and says keep or remove. Printed is the overlap with the truth (IoU at alpha .5) before
the first scribble and after each; the exit status is 0 where every picture comes to .93 within 5.
"""

import argparse
import base64
import csv
import io
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .page import chromium
from .site import Site

Mask = NDArray[np.bool_]
ENOUGH, SCRIBBLES = 0.93, 5
SIDE = 512  # of the frame in which the person looks
CRUMB = 0.0015  # of the frame: a smaller wrong region is not seen
LONG = 0.18  # of the frame's side: how far a scribble goes each way
THICK = 1 / 40  # of the side: half a brush at most
PATIENCE_MS = 60_000
DONE = {"Keep": "Kept.", "Remove": "Removed."}


@dataclass(frozen=True, slots=True)
class Subject:
    """A photo's file and its true matte."""

    name: str
    photo: Path
    truth: Mask


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("ids", nargs="*")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        if chosen.folder:
            subjects = list(_of_folder(chosen.folder, chosen.ids))
        else:
            subjects = [_drawn(Path(own))]
        return _measured(subjects)


def _measured(subjects: list[Subject]) -> int:
    short = []
    with Site(REMOVAL_ANONYMOUS_PER_HOUR="1000") as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for subject in subjects:
            overlaps = _mended(browser, site.address, subject)
            print(subject.name, *(f"{overlap:.3f}" for overlap in overlaps), flush=True)
            if max(overlaps) < ENOUGH:
                short.append(subject.name)
    print(f"below {ENOUGH} after {SCRIBBLES} scribbles: {', '.join(short) or 'none'}")
    return int(bool(short))


def _of_folder(folder: Path, ids: list[str]) -> Iterator[Subject]:
    if not (folder / "manifest.csv").exists():
        print(f"skipped: there is no {folder / 'manifest.csv'}")
        return
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    for name in ids or rows:
        with Image.open(folder / rows[name]["gt"]) as truth:
            yield Subject(name, folder / rows[name]["image"], np.asarray(truth.convert("L")) > 127)


def _drawn(folder: Path) -> Subject:
    """A red and a blue vase before a plain wall; only the red one is wanted."""
    size, middle, beside = (900, 600), (280, 320), (640, 330)
    wall = np.linspace(150, 215, size[0], dtype=np.uint8)
    picture = np.dstack([np.tile(line, (size[1], 1)) for line in (wall, wall, wall[::-1])])
    truth = np.zeros(size[::-1], np.uint8)
    cv2.ellipse(truth, middle, (110, 190), 0, 0, 360, (1,), -1)
    cv2.ellipse(picture, beside, (120, 170), 0, 0, 360, (40, 60, 150), -1)
    picture[truth > 0] = (150, 40, 40)
    noise = np.random.default_rng(1).normal(0, 4, picture.shape)
    Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8)).save(folder / "drawn.png")
    return Subject("drawn", folder / "drawn.png", truth > 0)


def _mended(browser: Browser, address: str, subject: Subject) -> list[float]:
    """The overlap before any scribble, and after each."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.set_input_files("#file-input", subject.photo)
        page.locator("[data-state=done] [data-action=touch-up]").click()
        page.wait_for_load_state("networkidle")
        size = _fitted(subject.truth.shape)
        truth = _at(subject.truth, size)
        overlaps = [_overlap(_seen(page, size), truth)]
        for _ in range(SCRIBBLES):
            if not _scribble(page, truth, _seen(page, size)):
                break
            overlaps.append(_overlap(_seen(page, size), truth))
        return overlaps


def _fitted(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, SIDE / max(shape))
    return round(shape[1] * scale), round(shape[0] * scale)


def _at(mask: Mask, size: tuple[int, int]) -> Mask:
    levels = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(levels > 0.5)


def _seen(page: Page, size: tuple[int, int]) -> Mask:
    """The cut-out as the canvas has it, at alpha .5."""
    address = page.locator(".editor-canvas").evaluate("(canvas) => canvas.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return _at(np.asarray(image.convert("RGBA"))[..., 3] > 127, size)


def _overlap(found: Mask, truth: Mask) -> float:
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def _scribble(page: Page, truth: Mask, found: Mask) -> bool:
    """Draw one scribble and wait for the cut-out; whether there was anything to mend."""
    regions = {"Keep": _largest(truth & ~found), "Remove": _largest(found & ~truth)}
    tool, region = max(regions.items(), key=lambda item: int(item[1].sum()))
    if not region.any():
        return False
    line, radius = _line(region)
    box = page.locator(".editor-canvas").bounding_box()
    assert box is not None
    scale = box["width"] / truth.shape[1]
    page.get_by_role("radio", name=tool, exact=True).check(force=True)
    page.locator("#editor [name=size]").fill(str(max(2, round(2 * radius * scale))))
    for number, (x, y) in enumerate(line):
        page.mouse.move(box["x"] + (x + 0.5) * scale, box["y"] + (y + 0.5) * scale)
        if not number:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator(".editor-status")).to_have_text(DONE[tool], timeout=PATIENCE_MS)
    page.wait_for_timeout(100)  # until the next frame has drawn it
    return True


def _largest(wrong: Mask) -> Mask:
    """The largest connected part without its threads; empty where that is a crumb."""
    solid = cv2.morphologyEx(wrong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return np.zeros_like(wrong)
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    if stats[best, cv2.CC_STAT_AREA] < CRUMB * wrong.size:
        return np.zeros_like(wrong)
    return np.asarray(labels == best)


def _line(region: Mask) -> tuple[list[tuple[int, int]], float]:
    """A line through the region's middle, and half the brush's width."""
    depth = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    start, side = (int(column), int(row)), max(region.shape)
    radius = float(np.clip(depth.max() / 2, 1, side * THICK))
    step = max(2.0, float(depth.max()))
    one = _walk(depth, [start], step, LONG * side)
    other = _walk(depth, [*reversed(one), start], step, LONG * side)
    return [*reversed(other), start, *one], radius


def _walk(
    depth: NDArray[Any], passed: list[tuple[int, int]], step: float, reach: float
) -> list[tuple[int, int]]:
    """From the last point that was passed go where the region is deepest, step by step, up to
    `reach` away and never near a point that was passed: there would be no end to that."""
    line: list[tuple[int, int]] = []
    here = start = passed[-1]
    while np.hypot(here[0] - start[0], here[1] - start[1]) + step <= reach:
        following = _deepest(depth, here, step, [*passed, *line])
        if following is None:
            break
        line.append(following)
        here = following
    return line


def _deepest(
    depth: NDArray[Any], here: tuple[int, int], step: float, passed: list[tuple[int, int]]
) -> tuple[int, int] | None:
    best, most = None, 0.4 * float(depth.max())
    for angle in np.linspace(0, 2 * np.pi, 32, endpoint=False):
        x, y = round(here[0] + step * np.cos(angle)), round(here[1] + step * np.sin(angle))
        if not (0 <= x < depth.shape[1] and 0 <= y < depth.shape[0]):
            continue
        others = (point for point in passed if point != here)
        if any(np.hypot(x - other[0], y - other[1]) < 1.2 * step for other in others):
            continue
        if depth[y, x] > most:
            best, most = (x, y), float(depth[y, x])
    return best


if __name__ == "__main__":
    sys.exit(main())
