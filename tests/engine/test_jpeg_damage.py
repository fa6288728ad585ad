"""Damaged JPEGs: what lacks only its end is read, what is wrong inside is refused."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from removal.engine.errors import UnreadableImage
from removal.engine.reading.decode import decode, opened
from tests import pictures

END = b"\xff\xd9"


def photo(**options) -> bytes:
    with Image.open(pictures.SAMPLES / "coffee.jpg") as image:
        return pictures.encoded(image.convert("RGB").resize((240, 168)), "JPEG", **options)


BASELINE = photo(quality=80)
PROGRESSIVE = photo(quality=80, progressive=True)


def read(data: bytes) -> np.ndarray:
    return decode(opened(data), 10**6).rgb.astype(int)


def scan_starts(data: bytes) -> list[int]:
    return [found.start() for found in re.finditer(rb"\xff\xda", data)]


@pytest.mark.parametrize("lacking", [1, 2, 3, 10, 40, 120])
def test_a_baseline_file_may_lack_part_of_its_last_row_of_blocks(lacking):
    whole, found = read(BASELINE), read(BASELINE[:-lacking])

    assert np.array_equal(found[:150], whole[:150])  # blocks of 16 rows, smoothed by one


@pytest.mark.parametrize("share", [0.3, 0.5, 0.6])
@pytest.mark.parametrize("data", [BASELINE, PROGRESSIVE], ids=["baseline", "progressive"])
def test_a_file_that_lacks_more_is_refused(data, share):
    with pytest.raises(UnreadableImage, match="cut off"):
        read(data[: int(len(data) * share)])


def test_a_progressive_file_may_lack_some_of_its_finest_shades():
    last = scan_starts(PROGRESSIVE)[-1]
    kept = PROGRESSIVE[: (last + len(PROGRESSIVE)) // 2]

    assert np.abs(read(kept) - read(PROGRESSIVE)).mean() < 2.5


def test_a_progressive_file_that_ends_between_its_scans_is_refused():
    """No decoder complains: to it, the scans that follow were never meant to come."""
    for start in scan_starts(PROGRESSIVE)[1:]:
        with pytest.raises(UnreadableImage, match="before its last scan"):
            read(PROGRESSIVE[:start])


def test_a_file_of_one_row_of_blocks_may_lack_nothing():
    data = pictures.encoded(Image.effect_noise((400, 8), 90), "JPEG")

    with pytest.raises(UnreadableImage):
        read(data[: len(data) - 200])


def test_a_file_whose_end_came_but_whose_inside_lacks_something_is_refused():
    middle = len(BASELINE) // 2

    with pytest.raises(UnreadableImage):
        read(BASELINE[:middle] + BASELINE[middle + 40 :])
    with pytest.raises(UnreadableImage):
        read(BASELINE[:-42] + END)


def test_an_inside_that_leaves_data_over_is_refused():
    with pytest.raises(UnreadableImage):
        read(BASELINE[:-2] + bytes(range(1, 36)) + END)


@pytest.mark.parametrize("padding", [1, 8, 24, 5_000])
def test_padding_before_the_end_does_not_matter(padding):
    assert np.array_equal(read(BASELINE[:-2] + bytes(padding) + END), read(BASELINE))


def test_what_follows_the_end_does_not_matter():
    assert np.array_equal(read(BASELINE + b"trailer" * 9), read(BASELINE))


def test_a_missing_restart_is_refused():
    with Image.open(io.BytesIO(BASELINE)) as image:
        data = pictures.encoded(image, "JPEG", quality=80, restart_marker_rows=1)
    start, stop = data.index(b"\xff\xd2"), data.index(b"\xff\xd4")

    with pytest.raises(UnreadableImage):
        read(data[:start] + data[stop:])


def test_a_subsampling_without_a_name_is_read():
    """4:4:1: chroma has a quarter of the rows. In one colour its blocks are those of 4:2:0."""
    data = bytearray(pictures.encoded(Image.new("RGB", (32, 32), (200, 60, 40)), "JPEG"))
    luma = data.index(b"\xff\xc0") + 11
    assert data[luma] == 0x22
    data[luma] = 0x14

    assert np.abs(read(bytes(data)) - (200, 60, 40)).max() <= 3
