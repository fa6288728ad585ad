"""HDR signals: what BT.2408 says they mean, as sRGB."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from removal.engine.reading import hdr
from removal.engine.reading.decode import decode, opened

from . import hostile, profiles

BT2020, P3 = 9, 12
PAPER = 148
RAMP = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)


def level(signal: float, transfer: int) -> int:
    """Of grey, in sRGB."""
    grey = np.full((1, 1, 3), round(signal * 255), np.uint8)
    found = hdr.to_srgb(grey, BT2020, transfer)[0, 0]
    assert np.ptp(found) == 0
    return int(found[0])


# BT.2408 table 1: a grey card of 18 %, and the white of paper, in both signals.
@pytest.mark.parametrize(("pq", "hlg"), [(0.38, 0.38), (0.58, 0.75)], ids=["grey card", "white"])
def test_both_signals_of_one_light_look_alike(pq, hlg):
    assert abs(level(pq, hdr.PQ) - level(hlg, hdr.HLG)) <= 2


def test_a_grey_card_is_as_light_as_its_share_of_paper_white():
    linear = 26 / 203  # cd/m2, below the roll-off
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)

    assert abs(level(0.38, hdr.PQ) - expected) <= 2


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
def test_from_black_to_the_peak_nothing_turns_back_or_is_cut_below_paper_white(transfer):
    ramp = hdr.to_srgb(RAMP, BT2020, transfer)[0, :, 0].astype(int)

    assert (np.diff(ramp) >= 0).all()
    assert (ramp[0], ramp[-1]) == (0, 255)
    white = round({hdr.PQ: 0.58, hdr.HLG: 0.75}[transfer] * 255)
    assert 215 < ramp[white] < 240
    assert ramp[white] < ramp[white + 20] <= 255


def test_the_primaries_are_brought_to_srgb_s():
    skin = np.full((1, 1, 3), (110, 90, 80), np.uint8)

    of_2020, of_p3, of_709 = (hdr.to_srgb(skin, code, hdr.PQ)[0, 0] for code in (BT2020, P3, 1))

    spread = [int(np.ptp(found.astype(int))) for found in (of_709, of_p3, of_2020)]
    assert spread == sorted(spread)  # the wider the primaries, the more colourful
    assert spread[0] < spread[2]


def test_a_highlight_keeps_its_hue():
    lamp = np.full((1, 1, 3), (190, 170, 150), np.uint8)

    red, green, blue = hdr.to_srgb(lamp, 1, hdr.PQ)[0, 0].astype(int)

    assert red > green > blue
    assert red - blue > 40


def carrying(name: str) -> bytes:
    """The white of paper in PQ, which looks grey as it is."""
    image = Image.new("RGB", (64, 64), (PAPER,) * 3)
    if name in ("PNG", "grey PNG"):
        cicp = hostile.png_chunk(b"cICP", bytes((BT2020, hdr.PQ, 0, 1)))
        kind, samples = (0, 1) if name == "grey PNG" else (2, 3)
        return hostile.png(1, 1, cicp, colour_type=kind, raw=bytes((0, *[PAPER] * samples)))
    if name == "ICC":
        tag = {b"cicp": b"cicp\0\0\0\0" + bytes((BT2020, hdr.PQ, 0, 1))}
        tags = profiles.matrix_tags(profiles.curve(16)) | tag
        return hostile.saved(image, "PNG", icc_profile=profiles.profile(b"RGB ", tags))
    buffer = io.BytesIO()
    if name == "HEIC":
        codes = {"color_primaries": BT2020, "transfer_characteristics": hdr.PQ}
        pillow_heif.from_pillow(image).save(
            buffer, format="HEIF", quality=95, save_nclx_profile=True, **codes
        )
        return buffer.getvalue()
    data = hostile.saved(image, "AVIF", quality=95)
    return data.replace(b"nclx\0\1\0\x0d", bytes((*b"nclx\0", BT2020, 0, hdr.PQ)))


@pytest.mark.parametrize("name", ["PNG", "grey PNG", "ICC", "HEIC", "AVIF"])
def test_a_file_that_says_pq_is_converted(name):
    data = carrying(name)

    found = decode(opened(data), 10_000).rgb.astype(int)

    assert np.abs(found - level(PAPER / 255, hdr.PQ)).max() <= 4


def test_of_a_gain_map_the_base_picture_is_taken():
    """Both halves of an Ultra HDR JPEG are JPEGs in one file."""
    base, gain = Image.new("RGB", (48, 32), (200, 60, 40)), Image.new("RGB", (24, 16), (255,) * 3)
    data = hostile.saved(base, "MPO", save_all=True, append_images=[gain])

    found = decode(opened(data), 10_000).rgb.astype(int)

    assert found.shape == (32, 48, 3)
    assert np.abs(found - (200, 60, 40)).max() <= 4
