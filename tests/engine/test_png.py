"""The fast PNG encoder, read back by decoders that are not ours."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from removal.engine.writing import png

CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


def read_back(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], len(png.SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        assert checksum == zlib.crc32(kind + body)
        found.append((kind, body))
        at += 12 + length
    return found


def noise(height: int, width: int, channels: int) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(7).integers(0, 256, shape, np.uint8)


@given(
    st.sampled_from(sorted(CHANNELS)).flatmap(
        lambda channels: npst.arrays(
            np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(channels))
        )
    )
)
def test_any_picture_reads_back_unchanged(pixels):
    data = png.encode(pixels)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == CHANNELS[pixels.shape[2]]
        assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("size", [(1, 1), (1, 300_000), (700, 1), (1500, 900)])
def test_pictures_of_many_bands_read_back_unchanged(size: tuple[int, int], channels):
    pixels = noise(*size, channels)

    assert np.array_equal(read_back(png.encode(pixels)), pixels)


def test_opencv_reads_the_same_pixels():
    pixels = noise(800, 700, 4)

    decoded = cv2.imdecode(np.frombuffer(png.encode(pixels), np.uint8), cv2.IMREAD_UNCHANGED)

    assert np.array_equal(cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA), pixels)


def test_all_bands_form_one_zlib_stream_in_one_chunk():
    pixels = noise(1500, 900, 3)
    streams = [body for kind, body in chunks(png.encode(pixels)) if kind == b"IDAT"]

    assert len(streams) == 1
    inflater = zlib.decompressobj()
    raw = inflater.decompress(streams[0])
    assert inflater.eof  # the checksum agreed
    assert not inflater.unused_data
    assert len(raw) == 1500 * (1 + 900 * 3)


def test_the_picture_is_tagged_as_srgb():
    kinds = dict(chunks(png.encode(noise(2, 2, 3))))

    assert kinds[b"sRGB"] == b"\0"
    assert kinds[b"gAMA"] == struct.pack(">I", 45455)
    assert len(kinds[b"cHRM"]) == 32


def test_the_resolution_is_kept_in_pixels_per_metre():
    kinds = dict(chunks(png.encode(noise(2, 2, 3), resolution=(300, 72))))

    assert kinds[b"pHYs"] == struct.pack(">IIB", 11811, 2835, 1)


def test_without_a_resolution_none_is_claimed():
    assert b"pHYs" not in dict(chunks(png.encode(noise(2, 2, 3))))


def test_rows_may_be_made_band_by_band():
    pixels = noise(1200, 400, 4)
    asked = []

    def read(start, stop):
        asked.append(stop - start)
        return pixels[start:stop]

    data = png.encode_rows(read, (400, 1200), 4)

    assert np.array_equal(read_back(data), pixels)
    assert max(asked) < 1200
