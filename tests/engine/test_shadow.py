"""Shadows: where they lie, what they leave alone, how near the photo's own comes to the truth."""

import cv2
import numpy as np
import pytest

from removal.engine import Result, remove_background
from removal.engine.composing import natural_shadow, shadow
from removal.engine.composing.compose import flatten, foreground_box
from removal.engine.geometry import Box, Layout, layout
from removal.engine.options import parse_options
from tests import pictures

from .shadows import Scene, scene

WHITE = (255, 255, 255)
# The module's constants were chosen on round things with the seeds below 100.
JUDGED = [(kind, seed) for kind in ("round", "angular") for seed in range(200, 206)]


def whole(shape: tuple[int, ...]) -> Layout:
    box = Box(0, 0, shape[1], shape[0])
    return Layout((shape[1], shape[0]), box, box)


def kept(made: Scene) -> shadow.Cast:
    cast = natural_shadow.natural(made.rgb, made.alpha)
    assert cast is not None
    return cast


def on_white(made: Scene, cast: shadow.Cast) -> np.ndarray:
    rgb, alpha = made.rgb.copy(), made.alpha.copy()
    shadow.lay_under(rgb, alpha, cast, whole(alpha.shape))
    return flatten(rgb, alpha, WHITE)


@pytest.mark.parametrize(("kind", "seed"), JUDGED)
def test_a_known_shadow_is_kept_within_one_per_cent(kind, seed):
    made = scene(seed, kind=kind)
    found = 1 - on_white(made, kept(made)).mean(axis=2) / 255
    beside = made.alpha == 0
    error = np.abs(found - made.shade)[beside & ((made.shade > 0.02) | (found > 0.02))]
    assert error.mean() < 0.01
    assert np.quantile(error, 0.99) < 0.1  # against the subject, where the photo mixes both


@pytest.mark.parametrize("seed", [210, 211])
def test_white_stays_white_and_the_subject_itself_where_there_is_no_shadow(seed):
    made = scene(seed)
    found = on_white(made, kept(made))
    unshaded = (made.alpha == 0) & (made.shade < 0.001)
    assert (found[unshaded] == 255).all(axis=1).mean() > 0.99
    solid = made.alpha == 255
    assert np.array_equal(found[solid], made.rgb[solid])


def test_an_even_background_without_a_shadow_keeps_nothing():
    made = scene(220)
    rgb = made.rgb.copy()
    rgb[made.alpha == 0] = (228, 226, 222)
    cast = natural_shadow.natural(rgb, made.alpha)
    assert cast is not None
    assert cast.opacities[cast.opacities > 0].size < 0.01 * cast.opacities.size


def _two_tones(rgb, draw):
    rgb[rgb.shape[0] // 2 :] //= 2


def _texture(rgb, draw):
    cells = draw.integers(90, 250, (30, 40, 3)).astype(np.uint8)
    rgb[:] = cv2.resize(cells, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _dark(rgb, draw):
    rgb[:] = 30


def _things(rgb, draw):
    rgb[:] = 220
    rgb[20:120, 20:110] = (200, 60, 40)


def _dark_things(rgb, draw):
    rgb[:] = 220
    rgb[20:120, 20:110] = 90


@pytest.mark.parametrize("spoil", [_two_tones, _texture, _dark, _things, _dark_things])
def test_none_is_kept_where_the_background_is_busy(spoil):
    made = scene(230)
    ground = made.rgb.copy()
    spoil(ground, np.random.default_rng(1))
    share = made.alpha[..., None] / 255
    photo = (made.rgb * share + ground * (1 - share)).astype(np.uint8)
    assert natural_shadow.natural(photo, made.alpha) is None


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (24, 24)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_no_picture_is_too_small_or_too_plain(size, level):
    rgb = np.full((size[1], size[0], 3), level, np.uint8)
    alpha = np.zeros((size[1], size[0]), np.uint8)
    alpha[size[1] // 2, size[0] // 2] = 255
    natural_shadow.natural(rgb, alpha)
    for kind in ("drop", "contact"):
        cast = shadow.made(kind, alpha, foreground_box(alpha))
        shadow.lay_under(rgb.copy(), alpha.copy(), cast, whole(alpha.shape))


def square(side=400):
    rgb = np.full((side, side, 3), (200, 40, 30), np.uint8)
    alpha = np.zeros((side, side), np.uint8)
    alpha[100:300, 100:300] = 255
    return rgb, alpha


def test_a_drop_shadow_falls_to_the_lower_right():
    rgb, alpha = square()
    shadow.lay_under(
        rgb, alpha, shadow.made("drop", alpha, Box(100, 100, 200, 200)), whole((400, 400))
    )
    above, below = alpha[:100].sum(), alpha[300:].sum()
    left, right = alpha[:, :100].sum(), alpha[:, 300:].sum()
    assert below > 3 * above
    assert right > 1.2 * left
    assert (rgb[(alpha > 0) & (alpha < 255)] == 0).all()
    assert (rgb[150, 150] == (200, 40, 30)).all()


def test_a_contact_shadow_lies_where_the_subject_stands():
    rgb, alpha = square()
    shadow.lay_under(
        rgb, alpha, shadow.made("contact", alpha, Box(100, 100, 200, 200)), whole((400, 400))
    )
    assert not alpha[:270, :95].any()
    assert alpha[303, 120:280].min() > 60
    assert not alpha[340:].any()


def test_half_transparent_edges_mix_with_the_shadow_as_over_it():
    draw = np.random.default_rng(3)
    rgb = draw.integers(0, 256, (50, 40, 3)).astype(np.uint8)
    alpha = draw.integers(0, 256, (50, 40)).astype(np.uint8)
    shade = draw.uniform(0, 1, (50, 40)).astype(np.float32)
    cast = shadow.Cast(shade, 0.0, 0.0, (1.0, 1.0))
    background = np.float32([90, 160, 240])
    under = background * (1 - shade[..., None])
    share = alpha[..., None] / np.float32(255)
    wanted = rgb * share + under * (1 - share)
    shadow.lay_under(rgb, alpha, cast, whole(alpha.shape))
    found = flatten(rgb, alpha, (90, 160, 240)).astype(int)
    assert np.abs(found - wanted).max() <= 2


@pytest.mark.parametrize("kind", ["drop", "contact"])
def test_a_shadow_grows_with_the_subject_and_reaches_into_margins(kind):
    _, alpha = square()
    box = Box(100, 100, 200, 200)
    cast = shadow.made(kind, alpha, box)
    shades = []
    for side in (200, 800):
        options = parse_options(
            {
                "result.crop_to_foreground": "1",
                "result.margin": "20%",
                "result.target_size": f"{side} {side}",
            }
        )
        place = layout((400, 400), box, options)
        rgb = np.zeros((side, side, 3), np.uint8)
        clear = np.zeros((side, side), np.uint8)
        shadow.lay_under(rgb, clear, cast, place)
        shades.append(cv2.resize(clear, (200, 200), interpolation=cv2.INTER_AREA).astype(int))
    assert shades[0].max() > 100
    assert np.abs(shades[0] - shades[1]).max() <= 6


def test_what_lies_outside_of_the_region_casts_no_shadow():
    made = scene(240)
    cast = shadow.within(kept(made), Box(0, 0, 100, 100))
    rows, columns = np.nonzero(cast.opacities)
    assert rows.size == 0 or (rows * cast.step[1]).max() < 100
    assert columns.size == 0 or (columns * cast.step[0]).max() < 100


def framed(rgb: np.ndarray) -> bytes:
    """The photo of a made scene as a file."""
    return pictures.encoded(pictures.image_of(rgb))


@pytest.fixture(scope="module")
def portrait() -> bytes:
    return pictures.portrait()


def result(photo: bytes, **parameters: str) -> Result:
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    return remove_background(photo, parse_options(named))


def test_without_a_shadow_every_byte_is_as_before(portrait):
    for output in ("png", "jpeg", "zip"):
        plain = result(portrait, output__format=output)
        none = result(portrait, output__format=output, result__shadow="none")
        clear = result(
            portrait, output__format=output, result__shadow="drop", result__shadow_opacity="0"
        )
        assert plain.content == none.content == clear.content
        assert plain.facts == none.facts == clear.facts


@pytest.mark.parametrize("output", ["mask", "delta_png"])
def test_formats_without_shadows_ignore_them(portrait, output):
    plain = result(portrait, output__format=output)
    shaded = result(portrait, output__format=output, result__shadow="drop")
    assert shaded.content == plain.content
    assert shaded.facts.shadow == "none"


def test_a_shadow_lies_under_the_subject_over_any_background(portrait):
    options = {"result__crop_to_foreground": "1", "result__margin": "20%", "output__format": "png"}
    clear = pictures.pixels(result(portrait, **options).content)
    shaded = result(portrait, **options, result__shadow="drop")
    found = pictures.pixels(shaded.content)
    assert shaded.facts.shadow == "drop"
    solid = clear[..., 3] == 255
    assert np.array_equal(found[solid], clear[solid])
    assert (found[..., 3] >= clear[..., 3]).all()
    blue = pictures.pixels(
        result(portrait, **options, result__shadow="drop", background__color="#78AADC").content
    )
    wanted = flatten(found[..., :3].copy(), found[..., 3].copy(), (0x78, 0xAA, 0xDC)).astype(int)
    assert np.abs(blue.astype(int) - wanted).max() <= 1


def test_natural_falls_back_to_none_on_a_busy_background_and_says_so(portrait):
    plain = result(portrait)
    asked = result(portrait, result__shadow="natural")
    assert asked.facts.shadow == "none"
    assert asked.content == plain.content


def test_a_transparent_file_has_no_shadow_of_its_own():
    rgba = np.dstack([scene(1).rgb, scene(1).alpha])
    asked = result(framed(rgba), result__shadow="natural")
    assert asked.facts.shadow == "none"


def test_the_mark_of_tests_covers_the_shadow(portrait):
    options = {"result__margin": "20%", "test": "1"}
    plain = pictures.pixels(result(portrait, **options).content)
    shaded = pictures.pixels(result(portrait, **options, result__shadow="drop").content)
    barred = plain[..., 3] == 128
    assert barred.mean() > 0.2
    assert (shaded[barred][:, 3] == 128).mean() > 0.99  # but for chance in the matte
