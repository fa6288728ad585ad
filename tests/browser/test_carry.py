"""A touch-up of a small cut-out, carried over to the large one of the same photo."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from .test_pixels import in_page, pixels, text
from .test_remove import ASTRONAUT

SIDE, SMALL = 480, 160
RUN = """
const { carry } = await load("carry");
const picture = ({ width, height, data }) => ({ width, height, data: bytesOf(data) });
const [full, first, touched] = [given.full, given.first, given.touched].map(picture);
const changed = await carry(full, given.photo && picture(given.photo), first, touched);
return { changed, data: textOf(full.data) };
"""


def disc(side: int, x: float, y: float, radius: float) -> np.ndarray:
    """0..1, soft by a pixel; all lengths are shares of the side."""
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side
    return np.clip((radius - np.hypot(columns - x, rows - y)) * side + 0.5, 0, 1)


def given(array: np.ndarray) -> dict[str, object]:
    height, width = array.shape[:2]
    return {"width": width, "height": height, "data": text(array.tobytes())}


def cutout(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    levels = np.round(alpha * 255).astype(np.uint8)
    return np.dstack([np.where(levels[..., None] > 0, photo, 0), levels])


@pytest.mark.parametrize("has_photo", [True, False])
def test_what_was_erased_and_brought_back_is_so_at_full_size_and_nothing_else(
    shared_page: Page, has_photo: bool
) -> None:
    image = Image.open(ASTRONAUT).convert("RGB")
    photo, little = (np.asarray(image.resize((s, s), Image.Resampling.BOX)) for s in (SIDE, SMALL))

    def alphas(side: int) -> tuple[np.ndarray, np.ndarray]:
        before = disc(side, 0.5, 0.5, 0.3)
        after = np.maximum(before * (1 - disc(side, 0.65, 0.5, 0.12)), disc(side, 0.2, 0.25, 0.1))
        return before, after

    (first, touched), (before, after) = alphas(SMALL), alphas(SIDE)
    full = cutout(photo, before)
    answer = in_page(
        shared_page,
        RUN,
        {
            "full": given(full),
            "photo": given(np.dstack([photo, np.full((SIDE, SIDE), 255, np.uint8)]))
            if has_photo
            else None,
            "first": given(cutout(little, first)),
            "touched": given(cutout(little, touched)),
        },
    )
    assert answer["changed"]
    found = pixels(answer["data"], SIDE, SIDE)
    wrong = np.abs(found[..., 3] / 255 - after)
    assert np.abs(before - after).mean() > 0.05
    assert wrong.mean() < 0.003  # edges of three pixels instead of one
    far = disc(SIDE, 0.65, 0.5, 0.15) + disc(SIDE, 0.2, 0.25, 0.13) == 0
    assert np.array_equal(found[far], full[far])
    back = disc(SIDE, 0.2, 0.25, 0.08) == 1
    assert (found[back][:, 3] == 255).mean() > 0.99
    apart = np.abs(found[back][:, :3].astype(int) - photo[back]).mean()
    assert apart == 0 if has_photo else apart < 8
    gone = disc(SIDE, 0.65, 0.5, 0.1) == 1
    assert not found[gone].any()


def test_an_untouched_cut_out_stays_as_it_is(shared_page: Page) -> None:
    full = np.full((12, 12, 4), 90, np.uint8)
    small = given(np.full((4, 4, 4), 200, np.uint8))
    answer = in_page(
        shared_page, RUN, {"full": given(full), "photo": None, "first": small, "touched": small}
    )
    assert not answer["changed"]
    assert np.array_equal(pixels(answer["data"], 12, 12), full)
