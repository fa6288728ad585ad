"""Header readers: what they tell, what they refuse before any pixel is decoded, what they drop."""

import contextlib
import random
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from removal.engine.errors import TooManyPixels, UnreadableImage
from removal.engine.reading import headers
from removal.engine.reading.decode import MAX_INPUT_PIXELS, decode, inspect, opened
from removal.engine.reading.headers import av1, boxes

from . import hostile

FORMATS = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"]


def sample(name: str, size: tuple[int, int] = (40, 24)) -> bytes:
    return hostile.saved(Image.linear_gradient("L").resize(size).convert("RGB"), name)


@pytest.mark.parametrize("name", FORMATS)
def test_format_and_size_are_told_by_the_bytes(name):
    header = inspect(sample(name))

    assert (header.format, header.size, header.orientation) == (name, (40, 24), 1)
    assert header.pixels == 960


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"x", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (b"<!doctype html><title>hello</title>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (b"%PDF-1.7\n", "not an image"),
        (b"P6 1 1 255 abc", "not an image"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "not an image"),
        (b"\0\0\1\0\1\0\x10\x10\0\0", "not an image"),
    ],
)
def test_what_is_no_supported_image_is_refused_with_the_list_of_formats(data, words):
    with pytest.raises(UnreadableImage, match=words):
        inspect(data)


@pytest.mark.parametrize("name", FORMATS)
def test_no_prefix_of_a_file_does_anything_but_read_or_be_refused(name):
    whole = sample(name)

    for end in range(len(whole)):
        with contextlib.suppress(UnreadableImage):
            decode(opened(whole[:end]), MAX_INPUT_PIXELS)


@pytest.mark.parametrize("name", FORMATS)
def test_no_damage_to_a_file_does_anything_but_read_or_be_refused(name):
    whole, dice = sample(name), random.Random(5)

    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(min(len(whole), 600))] = dice.randrange(256)
        with contextlib.suppress(UnreadableImage, TooManyPixels):
            decode(opened(bytes(damaged)), 10_000)


@settings(max_examples=200)
@given(st.sampled_from([b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"MM\0*"]), st.binary())
def test_noise_after_a_signature_is_refused(magic, noise):
    with pytest.raises((UnreadableImage, TooManyPixels)):
        decode(opened(magic + noise), 100)


def test_exactly_the_limit_is_taken_and_one_pixel_more_is_not():
    assert inspect(hostile.png(8000, 4000)).pixels == MAX_INPUT_PIXELS

    with pytest.raises(TooManyPixels, match="32,000,001"):
        inspect(hostile.png(32_000_001, 1))


@pytest.mark.parametrize(
    "data",
    [
        hostile.png(2**31 - 1, 2**31 - 1),
        hostile.gif((65535, 65535), (0, 0, 1, 1)),
        hostile.gif((1, 1), (65000, 65000, 9, 9)),
        hostile.tiff(bytes(10), 100_000, 100_000),
        b"BM" + bytes(12) + struct.pack("<IiiHHIIiiII", 40, 30000, -30000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\x3f\0\xff\x3f\0",
    ],
    ids=["png", "gif screen", "gif frame", "tiff", "bmp", "webp"],
)
def test_a_bomb_is_refused_from_its_header(data):
    with pytest.raises(TooManyPixels):
        inspect(data)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_side_of_0_is_refused(size):
    with pytest.raises(UnreadableImage, match="width or height of 0"):
        inspect(hostile.png(*size))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("value", "told"), [(6, 6), (8, 8), (0, 1), (9, 1), (65535, 1)])
def test_orientation_is_read_from_exif_in_either_byte_order(order, value, told):
    shifted = value << 16 if order == ">" else value  # a SHORT lies left in its four bytes
    block = hostile.tiff_block((274, 3, 1, shifted), order=order)
    data = hostile.with_segments(sample("JPEG"), hostile.jpeg_segment(0xE1, b"Exif\0\0" + block))

    assert inspect(data).orientation == told


def test_size_is_told_upright():
    block = hostile.tiff_block((274, 3, 1, 6))

    assert inspect(hostile.png(3, 7, hostile.png_chunk(b"eXIf", block))).size == (7, 3)


@pytest.mark.parametrize("trash", [b"", b"II*\0", b"garbage" * 9, b"MM\0*\xff\xff\xff\xff"])
def test_broken_exif_is_ignored(trash):
    data = hostile.with_segments(sample("JPEG"), hostile.jpeg_segment(0xE1, b"Exif\0\0" + trash))

    assert inspect(data).orientation == 1


def exif_of(block):
    return hostile.with_segments(sample("JPEG"), hostile.jpeg_segment(0xE1, b"Exif\0\0" + block))


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9])
def test_orientation_is_read_of_any_type_of_integer(kind):
    assert inspect(exif_of(hostile.tiff_block((274, kind, 1, 6)))).orientation == 6


@pytest.mark.parametrize("count", [2, 12, 999, 65535])
def test_orientation_is_read_from_a_directory_that_counts_too_many_entries(count):
    block = bytearray(hostile.tiff_block((274, 3, 1, 6)))
    struct.pack_into("<H", block, 8, count)

    assert inspect(exif_of(bytes(block))).orientation == 6


@pytest.mark.parametrize("lost", [4, 5, 6, 12, 15])
def test_orientation_is_read_from_a_directory_that_is_cut_off_behind_it(lost):
    block = hostile.tiff_block((274, 3, 1, 6), (282, 5, 1, 8))

    assert inspect(exif_of(block[:-lost])).orientation == 6


@pytest.mark.parametrize("lost", [4, 5, 6])
def test_orientation_is_read_from_an_entry_whose_padding_is_cut_off(lost):
    assert inspect(exif_of(hostile.tiff_block((274, 3, 1, 6))[:-lost])).orientation == 6


@pytest.mark.parametrize("values", [(1, 6), (6, 1), (6, 9)])
def test_of_a_tag_that_comes_twice_the_first_counts(values):
    block = hostile.tiff_block(*[(274, 3, 1, value) for value in values])

    assert inspect(exif_of(block)).orientation == values[0]


def test_an_exif_directory_full_of_huge_tags_is_ignored():
    tags = [(40_000 + index, 7, 60_000, 8) for index in range(2_000)]
    block = hostile.tiff_block(*tags, data=bytes(1000))

    assert inspect(hostile.png(3, 7, hostile.png_chunk(b"eXIf", block))).orientation == 1


def test_png_text_and_further_frames_never_reach_the_decoder():
    bomb = hostile.png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(5_000_000)))
    frames = hostile.png_chunk(b"acTL", struct.pack(">II", 2, 0))
    data = hostile.png(2, 1, bomb, frames, raw=b"\0" + bytes(6))

    payload = headers.read(data).payload

    assert b"zTXt" not in payload
    assert b"acTL" not in payload
    assert decode(opened(data), 100).rgb.shape == (1, 2, 3)


def test_a_profile_that_inflates_without_end_is_cut():
    packed = b"name\0\0" + zlib.compress(bytes(50_000_000))

    profile = headers.read(hostile.png(2, 1, hostile.png_chunk(b"iCCP", packed))).profile

    assert len(profile) == 4 << 20


@pytest.mark.parametrize("order", [1, -1])
def test_a_profile_outweighs_an_srgb_chunk(order):
    chunks = (
        hostile.png_chunk(b"sRGB", b"\0"),
        hostile.png_chunk(b"iCCP", b"name\0\0" + zlib.compress(b"profile")),
    )[::order]

    assert headers.read(hostile.png(2, 1, *chunks)).profile == b"profile"


def test_a_profile_packed_by_an_unknown_method_is_ignored():
    chunk = hostile.png_chunk(b"iCCP", b"name\0\1" + zlib.compress(b"profile"))

    assert headers.read(hostile.png(2, 1, chunk)).profile is None


@pytest.mark.parametrize("at", [26, 27, 28])
def test_a_png_of_an_unknown_method_is_refused(at):
    data = bytearray(hostile.png(2, 1))
    data[at] = 2

    with pytest.raises(UnreadableImage, match="unknown method"):
        inspect(bytes(data))


def test_too_many_png_chunks_are_refused():
    with pytest.raises(UnreadableImage, match="chunks"):
        inspect(hostile.png(2, 1, hostile.png_chunk(b"tEXt") * 100_001))


def test_too_many_jpeg_segments_are_refused():
    with pytest.raises(UnreadableImage, match="metadata"):
        inspect(hostile.with_segments(sample("JPEG"), hostile.jpeg_segment(0xE5, b"") * 6_000))


@pytest.mark.parametrize("block", [b"\x01a" * 400_000, b""])
def test_gif_comments_without_end_are_refused(block):
    comments = b"!\xfe" + block + b"\0" if block else b"!\xfe\0" * 400_000

    with pytest.raises(UnreadableImage, match="metadata"):
        inspect(hostile.gif((4, 4), (0, 0, 4, 4), comments))


def progressive(size: tuple[int, int], scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = hostile.saved(Image.new("RGB", size), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * (scans - whole.count(b"\xff\xda")) + whole[-2:]


def test_scans_are_bounded():
    assert inspect(progressive((40, 24), 100)).format == "JPEG"

    with pytest.raises(UnreadableImage, match="more than 100 scans"):
        inspect(progressive((40, 24), 101))


def test_large_pictures_may_have_fewer_scans():
    assert inspect(progressive((4000, 5000), 50)).format == "JPEG"

    with pytest.raises(UnreadableImage, match="more than 50 scans"):
        inspect(progressive((4000, 5000), 51))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"compression": 34925}, "compression"),
        ({"bits": 32}, "16 bits"),
        ({"bits": 32, "sample_format": 3}, "16 bits"),
        ({"sample_format": 2}, "unsigned"),
        ({"tile_width": 100_000, "tile_length": 100_000}, "tiles"),
    ],
)
def test_tiff_of_a_kind_that_is_not_read_says_so(tags, words):
    with pytest.raises(UnreadableImage, match=words):
        inspect(hostile.tiff(bytes(4), 2, 2, **tags))


def test_tiff_tags_that_claim_more_than_the_file_are_refused():
    entries = [(256, 3, 1, 2), (257, 3, 1, 2), (273, 4, 1_000_000, 8)]

    with pytest.raises(UnreadableImage, match="more bytes"):
        inspect(hostile.tiff_block(*entries))


@pytest.mark.parametrize("offsets", [273, 324])
def test_tiff_strips_and_tiles_are_bounded_in_number(offsets):
    count = 125_001
    entries = [(256, 3, 1, 8), (257, 4, 1, count), (offsets, 4, count, 8)]

    with pytest.raises(UnreadableImage, match="125,001 strips or tiles"):
        inspect(hostile.tiff_block(*entries, data=bytes(4 * count)))


@pytest.mark.parametrize(
    "data",
    [hostile.avif((16384, 16384)), hostile.avif((1000, 1000), 300)],
    ids=["one frame", "many frames"],
)
def test_avif_frames_that_are_larger_than_any_picture_are_refused(data):
    with pytest.raises(UnreadableImage, match=r"frames have [\d,]+ pixels"):
        inspect(data)


@pytest.mark.parametrize("more", [0, 2])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_avif_frames_are_as_large_as_their_own_headers_say(mode, more):
    image = Image.merge(mode, [Image.linear_gradient("L").resize((333, 70))] * len(mode))
    data = hostile.saved(image, "AVIF", save_all=True, append_images=more * [image])
    _, start, end = boxes.meta_of(data)

    found = [list(av1.frames(stream)) for stream in av1.streams(data, start, end)]

    assert found == [[333 * 70]] * (2 if mode == "RGBA" else 1)


def test_an_avif_animation_goes_on_as_a_still_picture():
    image = Image.linear_gradient("L").convert("RGB")
    data = hostile.saved(image, "AVIF", save_all=True, append_images=[image])

    payload = headers.read(data).payload

    assert b"avis" in data
    assert b"avis" not in payload
    assert decode(opened(data), MAX_INPUT_PIXELS).rgb.shape == (256, 256, 3)


def test_fill_bytes_cost_no_more_than_others():
    """Any number of 0xFF may stand before a marker of a JPEG; a web process reads headers."""
    began = time.process_time()
    with pytest.raises(UnreadableImage):
        inspect(b"\xff\xd8" + b"\xff" * 100_000)
    assert time.process_time() - began < 2
