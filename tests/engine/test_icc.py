"""ICC profiles: what is kept of them converts as the whole did, and costs little."""

import io
import struct
import time
import warnings

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from removal.engine import colour, icc
from removal.engine.reading.decode import decode, inspect, opened

from . import profiles

CHANNELS = {"L": 1, "RGB": 3, "CMYK": 4}
NOISE = np.random.default_rng(2).integers(0, 256, (64, 64, 4), np.uint8)
USELESS = {
    b"desc": b"desc" + bytes(90),
    b"B2A0": profiles.lut16(3, 2),
    b"A2B2": profiles.lut16(3, 3, seed=5),
    b"zzzz": b"text" + bytes(9000),
}
CURVE = profiles.curve(256)
SRGB_CURVE = profiles.parametric(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
ORDINARY = {
    "matrix": ("RGB", b"RGB ", profiles.matrix_tags(CURVE), {}),
    "matrix, version 2": ("RGB", b"RGB ", profiles.matrix_tags(CURVE), {"version": 2}),
    "matrix, parametric": ("RGB", b"RGB ", profiles.matrix_tags(SRGB_CURVE), {}),
    "gamma": ("RGB", b"RGB ", profiles.matrix_tags(b"curv" + bytes(7) + b"\1\2\x33"), {}),
    "grey": ("L", b"GRAY", {b"kTRC": CURVE}, {}),
    "table 8": ("CMYK", b"CMYK", {b"A2B0": profiles.lut8(4, 5)}, {"connection": b"Lab "}),
    "table 16": ("CMYK", b"CMYK", {b"A2B0": profiles.lut16(4, 5)},
                 {"connection": b"Lab ", "kind": b"prtr", "version": 2}),
    "table of RGB": ("RGB", b"RGB ", {b"A2B0": profiles.lut_a_to_b(3, 7, CURVE)},
                     {"connection": b"Lab ", "kind": b"spac"}),
    "table of grey": ("L", b"GRAY", {b"A2B0": profiles.lut16(1, 9)}, {"connection": b"Lab "}),
}  # fmt: skip


def converted(profile: bytes, mode: str) -> np.ndarray:
    """By Little CMS, which is handed the profile as it is."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    transform = ImageCms.ImageCmsTransform(source, target, mode, "RGB")
    pixels = NOISE[..., 0] if mode == "L" else NOISE[..., : CHANNELS[mode]]
    return np.asarray(transform.apply(Image.fromarray(np.ascontiguousarray(pixels), mode)))


def names(profile: bytes) -> set[bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    return {profile[132 + 12 * index :][:4] for index in range(count)}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_profile_converts_as_before_without_what_is_of_no_use(name):
    mode, space, tags, options = ORDINARY[name]
    whole = profiles.profile(space, tags | USELESS, **options)

    rebuilt = icc.rebuilt(whole)

    assert rebuilt
    assert names(rebuilt) == tags.keys()
    difference = converted(rebuilt, mode).astype(int) - converted(whole, mode)
    assert np.abs(difference).max() <= 1


def test_the_table_of_floats_is_dropped_and_the_curves_are_used():
    tags = profiles.matrix_tags(CURVE)
    hostile = profiles.profile(b"RGB ", tags | {b"D2B0": profiles.float_table(1000)})

    assert icc.rebuilt(hostile) == icc.rebuilt(profiles.profile(b"RGB ", tags))


def broken(element: bytes, at: int, value: bytes) -> bytes:
    return element[:at] + value + element[at + len(value) :]


MAB = profiles.lut_a_to_b(3, 3, CURVE)
REFUSED = {
    "only floats": (b"RGB ", {b"D2B0": profiles.float_table(3)}, {}),
    "too many tags": (b"GRAY", {b"kTRC": CURVE} | {b"%04d" % i: b"" for i in range(100)}, {}),
    "of a link": (b"RGB ", {b"A2B0": MAB}, {"kind": b"link"}),
    "of sixteen inks": (b"FCLR", {b"A2B0": MAB}, {}),
    "inputs that lie": (b"RGB ", {b"A2B0": broken(MAB, 8, b"\x10")}, {}),
    "a grid beyond its end": (b"CMYK", {b"A2B0": broken(profiles.lut8(4, 2), 10, b"\xff")}, {}),
    "a stage beyond its end": (b"RGB ", {b"A2B0": broken(MAB, 12, b"\xff")}, {}),
    "a curve without end": (b"GRAY", {b"kTRC": broken(CURVE, 8, b"\xff\xff\xff\xff")}, {}),
    "an unknown curve": (b"GRAY", {b"kTRC": b"para" + bytes(4) + b"\0\7" + bytes(90)}, {}),
    "no curve": (b"RGB ", {b"rXYZ": profiles.xyz(1, 1, 1)}, {}),
    "over a mebibyte": (b"CMYK", {b"A2B0": profiles.lut16(4, 21)}, {}),
    "shared curves": (b"CMYK", {b"A2B0": profiles.lut_a_to_b(4, 20, profiles.curve(32767))}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_profile_that_we_do_not_convert_by_is_ignored(name):
    space, tags, options = REFUSED[name]

    assert icc.rebuilt(profiles.profile(space, tags, **options)) is None


WHOLE = [profiles.profile(space, tags, **more) for _, space, tags, more in ORDINARY.values()]


@settings(max_examples=300)
@given(st.sampled_from(WHOLE), st.data())
def test_whatever_a_profile_holds_the_rebuilt_one_is_bounded(whole, data):
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(changed), 700) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(changed), len(changed) // 2, 131]))

    rebuilt = icc.rebuilt(bytes(changed[:end]))

    assert rebuilt is None or len(rebuilt) <= icc.MAX_BYTES
    assert icc.cicp(bytes(changed[:end])) is None


@pytest.mark.parametrize("data", [b"", b"x", bytes(128), bytes(131), bytes(400)])
def test_what_is_no_profile_is_ignored(data):
    assert icc.rebuilt(data) is None
    assert icc.cicp(data) is None


def carrying(name: str, profile: bytes) -> bytes:
    image = Image.fromarray(NOISE[..., :3].copy())
    buffer = io.BytesIO()
    if name == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, format="HEIF", icc_profile=profile)
    else:
        image.save(buffer, name, icc_profile=profile)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_no_profile_holds_a_core_whatever_the_container(name):
    """Each stage would cost 5 ms: 10 CPU seconds in all."""
    data = carrying(name, profiles.profile(b"RGB ", {b"D2B0": profiles.float_table(2000)}))
    inspect(data)

    before = time.process_time()
    decode(opened(data), 10_000)

    assert time.process_time() - before < 1


COSTLY = {
    "grid of CMYK": ("CMYK", b"CMYK", {b"A2B0": profiles.lut16(4, 20, 4096)}),
    "curves": ("RGB", b"RGB ", {b"A2B0": profiles.lut_a_to_b(3, 2, profiles.curve(32767))}),
    "matrix": ("RGB", b"RGB ", profiles.matrix_tags(profiles.curve(32767))),
    "grey": ("L", b"GRAY", {b"A2B0": profiles.lut16(1, 255, 32767)}),
}


@pytest.mark.parametrize("name", COSTLY)
def test_the_largest_profile_that_is_used_costs_little(name):
    mode, space, tags = COSTLY[name]
    pixels = NOISE[..., 0] if mode == "L" else NOISE[..., : CHANNELS[mode]]
    profile = profiles.profile(space, tags)
    assert icc.rebuilt(profile)

    before = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        colour.to_srgb(np.ascontiguousarray(pixels), mode, profile)

    assert time.process_time() - before < 1
