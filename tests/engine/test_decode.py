"""Pixels out of every kind of file: colours in exact numbers, turned once, shrunk rightly."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from removal.engine.errors import UnreadableImage
from removal.engine.geometry import limited_size
from removal.engine.reading import decode as decode_module
from removal.engine.reading.decode import MAX_INPUT_PIXELS, Picture, decode, opened

from . import hostile
from .hostile import saved

RED, GREEN, BLUE, GREY = (200, 30, 20), (10, 180, 60), (20, 60, 200), (128, 128, 128)
CORNERS = np.array([[RED, GREEN, GREEN], [BLUE, GREY, GREY]], np.uint8)
LOSSLESS = ["PNG", "BMP", "TIFF", "WEBP"]


def read(data: bytes, max_pixels: int = MAX_INPUT_PIXELS) -> Picture:
    return decode(opened(data), max_pixels)


def blocks(side: int = 16) -> Image.Image:
    """Two rows of three blocks, large enough to survive lossy coding."""
    return Image.fromarray(CORNERS.repeat(side, 0).repeat(side, 1))


def block_colours(rgb: np.ndarray, side: int = 16) -> np.ndarray:
    return rgb[side // 2 :: side, side // 2 :: side].astype(int)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_the_pixels_as_they_are(name):
    options = {"lossless": True} if name == "WEBP" else {}

    picture = read(saved(blocks(), name, **options))

    assert np.array_equal(picture.rgb, np.asarray(blocks()))
    assert picture.alpha is None


@pytest.mark.parametrize("name", ["JPEG", "WEBP", "AVIF", "GIF"])
def test_lossy_formats_give_nearly_the_pixels(name):
    picture = read(saved(blocks(), name, quality=95))

    assert np.abs(block_colours(picture.rgb) - CORNERS).max() <= 6


def heic(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=95, **options)
    return buffer.getvalue()


def test_heic_gives_nearly_the_pixels():
    picture = read(heic(blocks(32)))

    assert picture.header.format == "HEIF"
    assert np.abs(block_colours(picture.rgb, 32) - CORNERS).max() <= 6


def test_heic_keeps_its_alpha():
    image = blocks(32).convert("RGBA")
    image.putalpha(Image.new("L", image.size, 90))

    assert np.abs(read(heic(image)).alpha.astype(int) - 90).max() <= 2


def test_the_pixels_may_be_written_to_and_lie_in_order():
    for data in (saved(blocks(), "JPEG"), saved(blocks(), "PNG")):
        assert read(data).rgb.flags.writeable
        assert read(data).rgb.flags.c_contiguous


# Orientation

TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_turned(orientation: int) -> tuple[Image.Image, bytes]:
    """The blocks as a camera held that way stores them, and the EXIF block that says so."""
    turn = TURNS[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    return (blocks() if turn is None else blocks().transpose(turn)), exif.tobytes()


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_every_orientation_comes_out_upright(name, orientation):
    image, exif = stored_turned(orientation)
    options = {"lossless": True} if name == "WEBP" else {}

    picture = read(saved(image, name, exif=exif, **options))

    assert picture.header.orientation == orientation
    assert picture.header.size == (48, 32)
    assert np.array_equal(picture.rgb, np.asarray(blocks()))


@pytest.mark.parametrize("orientation", TURNS)
def test_a_turned_jpeg_comes_out_upright_also_when_it_is_shrunk(orientation):
    image, exif = stored_turned(orientation)

    picture = read(saved(image, "JPEG", quality=95, exif=exif), max_pixels=384)

    assert picture.rgb.shape == (16, 24, 3)
    assert np.abs(block_colours(picture.rgb, 8) - CORNERS).max() <= 8


def test_alpha_is_turned_with_the_colours():
    image, exif = stored_turned(6)
    alpha = np.zeros((48, 32), np.uint8)
    alpha[:16] = 77
    image.putalpha(Image.fromarray(alpha))

    picture = read(saved(image, "PNG", exif=exif))

    assert (picture.alpha[:, -16:] == 77).all()
    assert not picture.alpha[:, :-16].any()


def test_avif_is_turned_by_its_container_and_reports_no_exif_orientation():
    image, exif = stored_turned(6)

    picture = read(saved(image, "AVIF", quality=95, exif=exif))

    assert picture.header.orientation == 1
    assert picture.header.size == (48, 32)
    assert np.abs(block_colours(picture.rgb) - CORNERS).max() <= 6


def test_heic_is_turned_once():
    image, exif = stored_turned(6)

    picture = read(heic(image.resize((64, 96)), exif=exif))

    assert picture.header.size == (96, 64)
    assert np.abs(block_colours(picture.rgb, 32) - CORNERS).max() <= 8


# Kinds of samples


def test_16_bit_grey_png_is_scaled_not_clipped():
    samples = np.array([[0, 1000, 40000, 65535]], np.uint16)

    rgb = read(saved(Image.fromarray(samples), "PNG")).rgb

    assert rgb[0, :, 0].tolist() == [0, 3, 156, 255]
    assert (rgb[..., :1] == rgb).all()


def test_16_bit_grey_tiff_with_white_as_0_is_turned_over():
    samples = np.array([0, 1000, 40000, 65535], "<u2").tobytes()

    rgb = read(hostile.tiff(samples, 4, 1, bits=16, photometric=0)).rgb

    assert rgb[0, :, 0].tolist() == [255, 252, 99, 0]


def test_16_bit_rgb_png_is_scaled():
    raw = b"\0" + struct.pack(">6H", 0, 1000, 40000, 65535, 257, 256)

    rgb = read(hostile.png(2, 1, depth=16, colour_type=2, raw=raw)).rgb

    assert rgb.tolist() == [[[0, 3, 156], [255, 1, 1]]]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_few_bits_spans_black_to_white(depth):
    raw = b"\0" + bytes([0b1000_0000 if depth == 1 else (2**depth - 1) << (8 - depth)])

    rgb = read(hostile.png(2, 1, depth=depth, colour_type=0, raw=raw)).rgb

    assert rgb.tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize(
    ("depth", "colour_type", "key", "raw"),
    [
        (1, 0, struct.pack(">H", 1), bytes([0b1000_0000])),
        (2, 0, struct.pack(">H", 3), bytes([0b1100_0000])),
        (4, 0, struct.pack(">H", 9), bytes([0x90])),
        (8, 0, struct.pack(">H", 9), bytes([9, 8])),
        (16, 0, struct.pack(">H", 999), struct.pack(">HH", 999, 998)),
        (8, 2, struct.pack(">HHH", 1, 2, 3), bytes([1, 2, 3, 1, 2, 4])),
        (16, 2, struct.pack(">HHH", 1, 2, 30000), struct.pack(">6H", 1, 2, 30000, 1, 2, 9)),
    ],
    ids=["grey 1", "grey 2", "grey 4", "grey 8", "grey 16", "rgb 8", "rgb 16"],
)
def test_a_png_colour_key_becomes_alpha(depth, colour_type, key, raw):
    trns = hostile.png_chunk(b"tRNS", key)

    picture = read(hostile.png(2, 1, trns, depth=depth, colour_type=colour_type, raw=b"\0" + raw))

    assert picture.alpha.tolist() == [[0, 255]]


@pytest.mark.parametrize("entries", [bytes([0]), bytes([0, 128])])
def test_a_palette_s_transparency_becomes_alpha(entries):
    chunks = (
        hostile.png_chunk(b"PLTE", bytes([*RED, *GREEN])),
        hostile.png_chunk(b"tRNS", entries),
    )

    picture = read(hostile.png(2, 1, *chunks, colour_type=3, raw=b"\0\0\1"))

    assert picture.rgb.tolist() == [[[*RED], [*GREEN]]]
    assert picture.alpha.tolist() == [[0, entries[1] if len(entries) > 1 else 255]]


@pytest.mark.parametrize(
    ("name", "mode"),
    [("PNG", mode) for mode in ("1", "L", "P", "LA", "RGBA")]
    + [("TIFF", mode) for mode in ("1", "L", "P", "LA", "PA", "RGBA")],
)
def test_every_mode_that_a_format_holds_is_read(name, mode):
    image = blocks().convert(mode)

    picture = read(saved(image, name))

    assert np.array_equal(picture.rgb, np.asarray(image.convert("RGB")))


def test_an_alpha_channel_without_transparency_is_none():
    assert read(saved(blocks().convert("RGBA"), "PNG")).alpha is None


def test_premultiplied_tiff_colours_are_straightened():
    data = hostile.tiff_block(
        (256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 4, 12), (259, 4, 1, 1), (262, 4, 1, 2),
        (273, 4, 1, 8), (277, 4, 1, 4), (278, 4, 1, 1), (279, 4, 1, 4), (338, 3, 1, 1),
        data=bytes([100, 50, 25, 128]) + struct.pack("<4H", 8, 8, 8, 8),
    )  # fmt: skip

    picture = read(data)

    assert picture.alpha.tolist() == [[128]]
    assert np.abs(picture.rgb[0, 0].astype(int) - (199, 100, 50)).max() <= 1


def test_animations_give_their_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]

    for name in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if name == "WEBP" else {}
        data = saved(frames[0], name, save_all=True, append_images=frames[1:], **options)
        assert (read(data).rgb == RED).all()


def test_mpo_which_phones_write_gives_its_first_picture():
    data = saved(blocks(), "MPO", save_all=True, append_images=[blocks().rotate(180)], quality=95)

    picture = read(data)

    assert picture.header.format == "JPEG"
    assert np.abs(block_colours(picture.rgb) - CORNERS).max() <= 6


def test_run_length_coded_bmp():
    rows = b"\x03\x01\0\0" + b"\x03\0\0\x01"
    header = struct.pack("<IiiHHIIiiII", 40, 3, 2, 1, 8, 1, len(rows), 2835, 2835, 2, 0)
    palette = bytes([*RED[::-1], 0, *GREEN[::-1], 0])
    data = b"BM" + struct.pack("<IHHI", 62 + len(rows), 0, 0, 62) + header + palette + rows

    picture = read(data)

    assert picture.rgb.tolist() == [[[*RED]] * 3, [[*GREEN]] * 3]
    assert picture.resolution == pytest.approx((72, 72), abs=0.05)


# Colour spaces


def test_plain_cmyk_is_ink_on_white():
    image = Image.fromarray(np.array([[[255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8), "CMYK")

    rgb = read(saved(image, "TIFF")).rgb

    assert rgb.tolist() == [[[0, 255, 255], [0, 0, 0]]]


def test_adobe_s_inverted_cmyk_jpeg_is_not_inverted():
    colours = [(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255)]
    image = Image.new("CMYK", (64, 16))
    for index, colour in enumerate(colours):
        image.paste(colour, (16 * index, 0, 16 * index + 16, 16))

    rgb = read(saved(image, "JPEG", quality=100)).rgb[8, 8::16].astype(int)

    assert np.abs(rgb - [(0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0)]).max() <= 6


def test_cmyk_jpeg_gives_the_pixels_that_pillow_gives():
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8)
    data = saved(Image.fromarray(noise, "CMYK"), "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))

    assert (read(data).rgb == expected).all()


def swapped_profile() -> bytes:
    """sRGB's profile with the red and green primaries exchanged: a mistake shows at once."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"zXYZ").replace(b"gXYZ", b"rXYZ").replace(b"zXYZ", b"gXYZ")


@pytest.mark.parametrize(("name", "slack"), [("PNG", 1), ("TIFF", 1), ("WEBP", 1), ("JPEG", 6)])
def test_an_embedded_profile_is_applied(name, slack):
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(name, {})

    picture = read(saved(blocks(), name, icc_profile=swapped_profile(), **options))

    expected = CORNERS[..., [1, 0, 2]].astype(int)
    assert np.abs(block_colours(picture.rgb) - expected).max() <= slack


P3_GREEN, SRGB_GREEN = (117, 251, 76), (0, 255, 0)  # the same colour


def coded_as_p3(name: str) -> bytes:
    """A green picture whose file says "Display P3" without a profile."""
    image = Image.new("RGB", (64, 64), P3_GREEN)
    if name == "HEIC":
        return heic(image, color_primaries=12, transfer_characteristics=13)
    if name == "PNG":
        coding = hostile.png_chunk(b"cICP", bytes((12, 13, 0, 1)))
        return hostile.png(1, 1, coding, raw=bytes((0, *P3_GREEN)))
    data = saved(image, "AVIF", quality=95)
    return data.replace(b"nclx\0\1\0\x0d", b"nclx\0\x0c\0\x0d")


@pytest.mark.parametrize("name", ["HEIC", "AVIF", "PNG"])
def test_colours_that_a_file_names_by_code_are_converted(name):
    rgb = read(coded_as_p3(name)).rgb[0, 0].astype(int)

    assert np.abs(rgb - SRGB_GREEN).max() <= 8


def grey_profile(gamma: int) -> bytes:
    """A profile of greys, ICC.1:2001-04: white point and curve."""
    white = struct.pack(">iii", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, gamma * 256, 0)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, len(curve))
    body = tags + b"XYZ \0\0\0\0" + white + curve
    header = struct.pack(">I4sI4s4s4s12x4s28x", 128 + len(body), b"lcms", 0x02100000,
                         b"mntr", b"GRAY", b"XYZ ", b"acsp")  # fmt: skip
    return header + white + bytes(48) + body


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_is_applied_with_and_without_alpha(mode):
    image = Image.new(mode, (4, 4), 64 if mode == "L" else (64, 200))

    picture = read(saved(image, "PNG", icc_profile=grey_profile(gamma=1)))

    assert picture.rgb[0, 0].tolist() == [137] * 3  # of linear light


def test_a_profile_of_srgb_changes_not_one_pixel():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    dice = np.random.default_rng(3).integers(0, 256, (20, 20, 3), np.uint8)

    picture = read(saved(Image.fromarray(dice), "PNG", icc_profile=profile))

    assert np.array_equal(picture.rgb, dice)


@pytest.mark.parametrize(
    "profile",
    [b"garbage" * 40, swapped_profile()[:200], swapped_profile().replace(b"RGB ", b"CMYK")],
    ids=["garbage", "cut off", "of another space"],
)
def test_a_broken_profile_is_ignored(profile):
    picture = read(saved(blocks(), "PNG", icc_profile=profile))

    assert np.array_equal(picture.rgb, np.asarray(blocks()))


def test_lab_is_converted():
    image = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 0]]], np.uint8), "LAB")

    rgb = read(saved(image, "TIFF")).rgb.astype(int)

    assert np.abs(rgb[0] - [[255] * 3, [0] * 3]).max() <= 1


# Shrinking


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 3600))
def test_the_size_is_the_geometry_s(width, height, max_pixels):
    data = saved(Image.new("RGB", (width, height)), "BMP")

    rgb = read(data, max_pixels).rgb

    assert rgb.shape[1::-1] == limited_size(width, height, max_pixels)


@pytest.mark.parametrize("max_pixels", [1, 100, 999, 5_000, 20_000, 100_000])
def test_a_jpeg_decoded_at_a_fraction_has_the_geometry_s_size_too(max_pixels):
    data = saved(Image.new("RGB", (333, 251), RED), "JPEG", quality=95)

    rgb = read(data, max_pixels).rgb

    assert rgb.shape[1::-1] == limited_size(333, 251, max_pixels)
    assert np.abs(rgb.astype(int) - RED).max() <= 4


def test_shrinking_averages_areas():
    checks = np.indices((40, 40)).sum(0) % 2 * 255

    rgb = read(saved(Image.fromarray(checks.astype(np.uint8)), "PNG"), 400).rgb

    assert np.abs(rgb.astype(int) - 128).max() <= 1


def test_hidden_colours_do_not_bleed_into_a_shrunk_picture():
    rgba = np.zeros((2, 4, 4), np.uint8)
    rgba[:, :2] = (200, 180, 160, 255)
    rgba[0, 1] = (255, 0, 255, 0)  # hidden
    rgba[:, 2:] = (200, 180, 160, 64)

    picture = read(saved(Image.fromarray(rgba), "PNG"), 2)

    assert picture.rgb.tolist() == [[[200, 180, 160], [200, 180, 160]]]
    assert picture.alpha.tolist() == [[191, 64]]


def test_nothing_is_touched_below_the_limit():
    picture = read(saved(blocks(), "PNG"), 48 * 32)

    assert np.array_equal(picture.rgb, np.asarray(blocks()))


# Resolution


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "BMP"])
def test_the_resolution_is_kept(name):
    assert read(saved(blocks(), name, dpi=(300, 150))).resolution == pytest.approx(
        (300, 150), abs=0.02
    )


def test_the_resolution_turns_with_the_picture():
    image, exif = stored_turned(6)

    picture = read(saved(image, "JPEG", dpi=(300, 150), exif=exif))

    assert picture.resolution == (150, 300)


def test_a_picture_without_resolution_has_none():
    assert read(saved(blocks(), "PNG")).resolution is None


# Damage


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_file_that_is_cut_off_is_refused(name):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = saved(Image.fromarray(noise), name)

    with pytest.raises(UnreadableImage, match=r"cut off|incomplete|claim more bytes"):
        read(data[: len(data) // 2])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_colours_that_is_cut_off_is_refused(mode, progressive):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = saved(Image.fromarray(noise).convert(mode), "JPEG", progressive=progressive)

    with pytest.raises(UnreadableImage, match="cut off"):
        read(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(mode):
    assert read(saved(blocks().convert(mode), "JPEG")[:-2]).rgb.shape == (32, 48, 3)


def test_stray_bytes_in_a_jpeg_do_not_matter():
    data = saved(blocks(), "JPEG", quality=95)
    tables = data.index(b"\xff\xdb")
    stray = data[:tables] + b"\0\0stray" + data[tables:] + b"trailer"

    assert np.abs(block_colours(read(stray).rgb) - CORNERS).max() <= 6


def test_surplus_png_data_are_left_alone():
    data = hostile.png(2, 1, raw=bytes(5_000_000))

    assert read(data).rgb.shape == (1, 2, 3)


def test_a_flipped_bit_in_a_png_is_refused():
    data = bytearray(saved(blocks(), "PNG"))
    data[data.index(b"IDAT") + 20] ^= 0x40

    with pytest.raises(UnreadableImage, match="damaged"):
        read(bytes(data))


def test_interlaced_png():
    widths = [
        1,
        1,
        2,
        2,
        2,
        4,
        4,
        4,
        4,
        4,
        4,
        8,
        8,
        8,
        8,
    ]  # of the rows of Adam7's passes over 8 x 8
    raw = b"".join(bytes(1 + 3 * width) for width in widths)
    data = hostile.png(8, 8, raw=raw)
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 1)
    begin = data.index(b"IHDR")
    interlaced = data[: begin + 4] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))

    assert not read(interlaced + data[begin + 21 :]).rgb.any()


@pytest.mark.parametrize("error", [TypeError, AttributeError, AssertionError, KeyError, NameError])
def test_only_what_decoders_raise_means_that_a_file_is_damaged(error, monkeypatch):
    def faulty(image, container):
        raise error("a fault of ours")

    monkeypatch.setattr(decode_module, "_from_pillow", faulty)

    with pytest.raises(error, match="a fault of ours"):
        read(saved(blocks(), "PNG"))


def test_grey_heic_of_10_bits_is_read():
    levels = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    buffer = io.BytesIO()
    pillow_heif.from_bytes("I;16", (64, 64), levels.tobytes()).save(buffer, quality=-1)

    rgb = read(buffer.getvalue()).rgb

    assert np.abs(rgb.astype(int) - (levels >> 8)[..., None]).max() <= 2


def test_jpeg_whose_colours_are_shared_by_four_rows_is_read():
    """4:4:1. Made of a 4:1:1 one of single-coloured blocks by exchanging its axes."""
    greys = np.array([40, 90, 160, 230], np.uint8).repeat(8)
    wide = np.broadcast_to(greys[None, :, None], (8, 32, 3))
    data = bytearray(simplejpeg.encode_jpeg(np.ascontiguousarray(wide), colorsubsampling="411"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 32, 8)
    assert data[frame + 11] == 0x41
    data[frame + 11] = 0x14

    rgb = read(bytes(data)).rgb

    assert np.abs(rgb.astype(int) - greys[:, None, None]).max() <= 3
