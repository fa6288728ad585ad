"""Pictures that bring transparency of their own: it is neither judged twice nor looked through."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from removal.engine import remove_background
from removal.engine.matting import foreground, transparency
from tests import pictures


def cut_out(image: Image.Image) -> np.ndarray:
    return pictures.pixels(remove_background(pictures.encoded(image)).content).astype(int)


def soft_disc(hidden: int) -> Image.Image:
    """One colour with a soft edge; `hidden` are the levels under alpha 0."""
    y, x = np.mgrid[-128:128, -128:128]
    alpha = np.clip(128 + (90 - np.hypot(x, y)) * 8, 0, 255).astype(np.uint8)
    rgba = np.dstack([np.full((256, 256, 3), (128, 64, 32), np.uint8), alpha])
    rgba[alpha == 0, :3] = hidden
    return Image.fromarray(rgba)


def test_a_share_of_an_alpha_is_rounded_to_the_nearest_level():
    alpha, share = (np.ascontiguousarray(levels) for levels in np.mgrid[0:256, 0:256])
    exact = alpha * share / 255
    found = transparency.within(alpha.astype(np.uint8), share.astype(np.uint8))
    assert np.abs(found - exact).max() <= 0.5


@pytest.mark.parametrize("hidden", [0, 255])
def test_a_soft_edge_keeps_its_colour_and_its_alpha(hidden):
    disc = soft_disc(hidden)
    given = np.asarray(disc).astype(int)

    found = cut_out(disc)

    visible = found[..., 3] > 8
    assert visible.sum() > 25_000
    assert np.abs(found[visible, :3] - (128, 64, 32)).max() <= 3
    assert np.abs(found[..., 3] - given[..., 3]).max() <= 3


def variants() -> dict[str, Image.Image]:
    """Ten pictures out of the project's three."""
    found = {}
    for name in ("astronaut", "chelsea", "coffee"):
        with Image.open(pictures.SAMPLES / f"{name}.jpg") as photo:
            whole = photo.convert("RGB")
        whole.thumbnail((480, 480))
        width, height = whole.size
        found[name] = whole
        found[f"{name}, mirrored and dark"] = ImageOps.mirror(whole).point(lambda v: v * 0.6)
        found[f"{name}, close"] = whole.crop((width // 8, height // 8, width, height))
    return found | {"portrait": Image.open(io.BytesIO(pictures.portrait()))}


VARIANTS = variants()


@pytest.mark.parametrize("name", VARIANTS)
def test_our_own_result_sent_in_again_comes_back_as_it_is(name):
    once = cut_out(VARIANTS[name])

    change = np.abs(cut_out(Image.fromarray(once.astype(np.uint8))) - once)

    soft = (once[..., 3] > 0) & (once[..., 3] < 255)
    assert soft.any()
    for band, most in ((soft, 3), (~soft, 1)):
        assert change[band, 3].mean() < most
        assert change[band & (once[..., 3] > 8), :3].mean() < most


def framed(hidden: int) -> Image.Image:
    """A portrait, background and all, whose right side and a strip of the chest are clear, and
    whose lower part is half transparent."""
    rgba = np.asarray(Image.open(io.BytesIO(pictures.portrait())).convert("RGBA")).copy()
    rgba[180:, :, 3] = 128
    rgba[:, 160:, 3] = 0
    rgba[200:210, 60:120, 3] = 0
    rgba[rgba[..., 3] == 0, :3] = hidden
    return Image.fromarray(rgba)


def test_what_a_file_hides_changes_nothing():
    results = {remove_background(pictures.encoded(framed(hidden))).content for hidden in (0, 255)}

    assert len(results) == 1


def test_what_the_author_made_half_transparent_keeps_its_colour_and_alpha():
    given = np.asarray(framed(0)).astype(int)

    found = cut_out(framed(0))

    lower = np.s_[182:, :150]
    subject = found[lower][..., 3] == 128
    assert subject.mean() > 0.1
    assert np.abs(found[lower] - given[lower])[subject].max() <= 3
    assert found[20, 20, 3] == 0  # the background still goes


def test_hidden_colours_stain_no_estimate():
    """The left half is subject, the right background; what lies between is mixed, half visible."""
    share = np.repeat(np.array([[255, 128, 0]], np.uint8), 16, 1).repeat(48, 0)
    pure = np.zeros((48, 48, 3), np.uint8)
    pure[share == 255], pure[share == 128], pure[share == 0] = 200, 120, 40
    alpha = np.full((48, 48), 255, np.uint8)
    alpha[16:32] = 0
    alpha[12:16] = 128
    seen = np.where(alpha[..., None] == 0, 0, pure)
    seen[12:16] = pure[12:16] // 2
    results = []
    for hidden in (0, 255):
        rgb = np.where(alpha[..., None] == 0, np.uint8(hidden), pure)
        told = foreground.Hidden(alpha, seen.astype(np.uint8), 0)
        foreground.foreground_colour(rgb, share, hidden=told)
        results.append(rgb[alpha > 0])

    assert np.array_equal(*results)
    mixed = share[alpha > 0] == 128
    assert np.abs(results[0][mixed].astype(int) - 200).max() <= 40


SIDE = 64


def discs(*radii: float) -> list[np.ndarray]:
    y, x = np.mgrid[-SIDE // 2 : SIDE // 2, -SIDE // 2 : SIDE // 2] + 0.5
    return [np.clip(radius - np.hypot(x, y) + 0.5, 0, 1).astype(np.float32) for radius in radii]


def as_alpha(values: np.ndarray) -> np.ndarray:
    return (values * 255 + 0.5).astype(np.uint8)


def test_an_alpha_that_the_networks_agree_with_is_taken_as_finished():
    drawn, found = discs(20, 19.7)

    assert transparency.share(found, as_alpha(drawn)) is None


def test_a_photo_with_clear_corners_is_still_cut_out():
    drawn, found = discs(34, 14)

    share = transparency.share(found, as_alpha(drawn))

    assert share is not None
    assert share[SIDE // 2, SIDE // 2] == 1
    assert share[4, SIDE // 2] < 0.02


def test_the_file_s_own_edge_is_not_softened_again():
    """Half of the picture's left is subject up to the file's edge, right of it lies background."""
    (drawn,) = discs(24)
    found = drawn * (np.arange(SIDE) < SIDE // 2)

    share = transparency.share(found, as_alpha(drawn))

    assert share is not None
    left = (drawn > 0.05) & (drawn < 0.95) & (np.arange(SIDE) < SIDE // 2 - 8)
    assert share[left].min() == 1


def test_a_picture_that_is_faint_all_over_has_no_edge():
    (found,) = discs(14)

    share = transparency.share(found, np.full((200, 300), 100, np.uint8))

    assert share is not None
    assert np.array_equal(share, found)


def test_what_is_nowhere_wholly_visible_is_no_photo_to_cut_out():
    (smoke,) = discs(24)
    smoke = cv2.GaussianBlur(smoke, (0, 0), 9)
    smoke[SIDE // 2, SIDE // 2] = 1

    assert transparency.share(np.zeros_like(smoke), as_alpha(smoke)) is None
