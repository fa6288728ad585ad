"""Free results of one picture, laid over each other, are no product: tried with a real network.

Each attack takes twelve test results, finds in each the pixels that equal the production result,
and counts what is left of the subject that no result shows unmarked.
"""

import io
import zipfile
from decimal import Decimal

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from removal.engine import Options, remove_background
from removal.engine.composing.compose import FOREGROUND_ALPHA
from removal.engine.composing.watermark import HALF
from removal.engine.geometry import layout
from removal.engine.hints import Hints, Stroke
from removal.engine.options import Length, Margin, Region
from tests import pictures

SEEN = 24  # levels by which a marked pixel differs


def margin(*sides, percent=False):
    return Margin(*(Length(Decimal(side), percent) for side in sides))


def region(left, top, right, bottom):
    return Region(*(Length(Decimal(side), True) for side in (left, top, right, bottom)))


GEOMETRY = (
    Options(),
    Options(margin=margin(13, 90, 7, 41)),
    Options(margin=margin(30, 30, 30, 30, percent=True), output_format="mask"),
    Options(crop_to_foreground=True, output_format="webp"),
    Options(crop_to_foreground=True, margin=margin(5, 0, 0, 60), background=(255, 255, 255)),
    Options(target_size=(900, 700), vertical_alignment="top", output_format="zip"),
    Options(target_size=(301, 777), vertical_alignment="bottom", margin=margin(20, 10, 30, 5)),
    Options(scale=Decimal(55), position=(Decimal(10), Decimal(80))),
    Options(scale=Decimal(80), position=(Decimal(90), Decimal(0)), output_format="mask"),
    Options(region=region(0, 0, 100, 88)),
    Options(region=region(2, 5, 100, 100), output_format="delta_png"),
    Options(output_format="jpeg", jpeg_quality=95),
)


def photo(name):
    with Image.open(pictures.SAMPLES / f"{name}.jpg") as image:
        return image.convert("RGB")


def removed(image, options):
    """The result's pixels, as channels that a marked pixel differs in, and its facts."""
    result = remove_background(pictures.encoded(image), options)
    if result.media_type != "application/zip":
        return pictures.pixels(result.content).astype(int), result.facts
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        return pictures.pixels(archive.read("alpha.png")).astype(int), result.facts


def marked(image, options):
    """Of each pixel of the picture: whether the test result hides it; True outside the result."""
    production, facts = removed(image, options)
    test, same = removed(image, Options(**(plain(options) | {"watermark": True})))
    assert (same.result_size, same.result_foreground) == (
        facts.result_size,
        facts.result_foreground,
    )
    differs = np.abs(production - test).reshape(*test.shape[:2], -1).max(axis=2) > SEEN
    placed = layout(image.size, facts.input_foreground, options)
    return _in_picture(differs, placed, image.size)


def plain(options):
    return {name: getattr(options, name) for name in options.__slots__}


def _in_picture(differs, placed, size):
    content, drawn = placed.content, placed.drawn
    rows, columns = np.arange(content.height), np.arange(content.width)
    y = drawn.top + ((rows + 0.5) * drawn.height / content.height).astype(int)
    x = drawn.left + ((columns + 0.5) * drawn.width / content.width).astype(int)
    hidden = np.ones(size[::-1], bool)
    hidden[
        content.top : content.top + content.height, content.left : content.left + content.width
    ] = differs[np.ix_(y, x)]
    return hidden


def subject(image):
    return removed(image, Options(output_format="mask"))[0] >= FOREGROUND_ALPHA


def test_twelve_results_over_all_geometry_and_formats():
    image = photo("astronaut")
    left = subject(image)
    whole = left.sum()
    for options in GEOMETRY:
        left &= marked(image, options)
    assert left.sum() >= 0.25 * whole


def off(*shares, across):
    """Hints that remove what of the picture lies under parallel strokes."""

    def of(image):
        width, height = image.size
        side, other = image.size if across else image.size[::-1]
        at = [(side - 1) * share for share in shares]
        ends = [((x, 0.0), (x, other - 1.0)) for x in at]
        strokes = ends if across else [tuple(point[::-1] for point in line) for line in ends]
        return Hints(remove=tuple(Stroke(line, max(width, height) / 16) for line in strokes))

    return of


HINTED = (
    off(0.13, 0.25, 0.35, across=True),
    off(0.6, 0.7, 0.78, across=True),
    off(0.04, 0.15, 0.25, across=False),
    off(0.75, 0.85, 0.97, across=False),
)


def test_results_with_hints_that_move_the_subjects_box():
    image = photo("coffee")
    left = subject(image)
    whole, production = left.sum(), removed(image, Options(output_format="mask"))[0]
    for hints in (None, *(of(image) for of in HINTED)):
        options = Options(output_format="mask", watermark=True, hints=hints)
        test = removed(image, options)[0]
        left &= (test == HALF) | (np.abs(production - test) > SEEN)
    assert left.sum() >= 0.25 * whole


def same(pixels):
    return pixels


def mirrored(image):
    return ImageOps.mirror(image), lambda hidden: hidden[:, ::-1]


def upside_down(image):
    return ImageOps.flip(image), lambda hidden: hidden[::-1]


def turned(image):
    return image.transpose(Image.Transpose.ROTATE_90), lambda hidden: np.rot90(hidden, -1)


def scaled(x, y):
    def change(image):
        width, height = image.size

        def back(hidden):
            return cv2.resize(hidden.astype(np.uint8), image.size, interpolation=0) > 0

        return image.resize((round(width * x), round(height * y))), back

    return change


def brighter(by):
    return lambda image: (ImageEnhance.Brightness(image).enhance(by), same)


def coded_again(image):
    with Image.open(io.BytesIO(pictures.encoded(image, "JPEG", quality=40))) as again:
        return again.convert("RGB"), same


def padded(left, top, right, bottom, colour="white"):
    def change(image):
        width, height = image.size
        border = left * width // 100, top * height // 100
        size = (
            width + border[0] + right * width // 100,
            height + border[1] + bottom * height // 100,
        )
        larger = Image.new("RGB", size, colour)
        larger.paste(image, border)
        window = np.s_[border[1] : border[1] + height, border[0] : border[0] + width]
        return larger, lambda hidden: hidden[window]

    return change


CHANGED = (
    lambda image: (image, same), mirrored, upside_down, turned, scaled(0.5, 0.5), scaled(1.4, 1.4),
    scaled(1.6, 1), scaled(1, 1.5), brighter(0.7), brighter(1.15), coded_again,
    lambda image: (ImageOps.mirror(ImageOps.flip(image)), lambda hidden: hidden[::-1, ::-1]),
)  # fmt: skip
PADDED = (
    lambda image: (image, same), padded(5, 5, 5, 5), padded(20, 0, 0, 0), padded(0, 25, 0, 0),
    padded(0, 0, 30, 0), padded(0, 0, 0, 20), padded(12, 12, 12, 12, "black"),
    padded(2, 9, 14, 5, "grey"), padded(0, 30, 30, 0), padded(15, 0, 15, 0), padded(0, 8, 0, 8),
    padded(25, 0, 5, 10),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "share"), [(CHANGED, 0.15), (PADDED, 0.10)], ids=["changed", "padded"]
)
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_twelve_results_of_changed_inputs(name, changes, share):
    image = photo(name)
    left = subject(image)
    whole = left.sum()
    for change in changes:
        other, back = change(image)
        left &= back(removed(other, Options(output_format="mask", watermark=True))[0] == HALF)
    assert left.sum() >= share * whole
