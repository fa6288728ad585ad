"""Each output format: media type, pixels, alpha, profile, resolution, nothing hidden."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from removal.engine.canvas import Canvas
from removal.engine.colour import srgb_profile
from removal.engine.options import OUTPUT_FORMATS, Options
from removal.engine.writing.encode import FORMATS, encode, extension_of

HIDDEN = (250, 10, 10)


def canvas(*, opaque: bool = False) -> Canvas:
    """A blue square with a soft rim on red, which is not to be seen."""
    rgb = np.full((48, 64, 3), HIDDEN, np.uint8)
    rgb[8:40, 8:56] = (20, 60, 200)
    alpha = np.zeros((48, 64), np.uint8)
    alpha[8:40, 8:56] = 128
    alpha[12:36, 12:52] = 255
    return Canvas(rgb, None if opaque else alpha, (300.0, 150.0))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("name", [name for name in OUTPUT_FORMATS if name != "auto"])
def test_every_format_of_the_options_has_a_row(name):
    content, media_type = encode(canvas(), Options(output_format=name))

    assert content
    assert media_type == FORMATS[name].media_type


def test_auto_is_png_without_and_jpeg_with_a_background():
    assert encode(canvas(), Options())[1] == "image/png"
    assert encode(canvas(opaque=True), Options(background=(255, 255, 255)))[1] == "image/jpeg"
    assert extension_of(Options(background=(255, 255, 255))) == "jpg"


def test_png_is_lossless_and_its_transparent_pixels_are_blank():
    source = canvas()

    result = np.asarray(opened(encode(source, Options(output_format="png"))[0]))

    seen = source.alpha > 0
    assert np.array_equal(result[..., 3], source.alpha)
    assert np.array_equal(result[seen][:, :3], source.rgb[seen])
    assert not result[~seen].any()


def test_an_opaque_canvas_makes_a_png_without_alpha():
    result = opened(encode(canvas(opaque=True), Options(output_format="png"))[0])

    assert result.mode == "RGB"
    assert np.array_equal(np.asarray(result), canvas(opaque=True).rgb)


def test_webp_keeps_alpha_exactly_and_colours_nearly():
    source = canvas()

    result = np.asarray(opened(encode(source, Options(output_format="webp", jpeg_quality=95))[0]))

    assert np.array_equal(result[..., 3], source.alpha)
    assert np.abs(result[20, 30, :3].astype(int) - (20, 60, 200)).max() <= 6


def test_an_opaque_canvas_makes_a_webp_without_alpha():
    assert opened(encode(canvas(opaque=True), Options(output_format="webp"))[0]).mode == "RGB"


def test_mask_is_the_alpha_in_8_bit_grey():
    result = opened(encode(canvas(), Options(output_format="mask"))[0])

    assert result.mode == "L"
    assert np.array_equal(np.asarray(result), canvas().alpha)


def test_jpeg_quality_is_obeyed():
    noisy = Canvas(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    sizes = [
        len(encode(noisy, Options(output_format="jpeg", jpeg_quality=quality))[0])
        for quality in (1, 50, 100)
    ]

    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(("quality", "luma_samples"), [(89, 2), (90, 1)])
def test_jpeg_halves_the_chroma_below_quality_90(quality, luma_samples):
    options = Options(output_format="jpeg", jpeg_quality=quality)

    with Image.open(io.BytesIO(encode(canvas(opaque=True), options)[0])) as image:
        assert isinstance(image, JpegImageFile)
        assert image.layer[0][1:3] == (luma_samples, luma_samples)


def test_zip_holds_colour_on_black_and_alpha():
    archive = zipfile.ZipFile(
        io.BytesIO(encode(canvas(), Options(output_format="zip", jpeg_quality=100))[0])
    )

    assert archive.namelist() == ["color.jpg", "alpha.png"]
    assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
    colour = np.asarray(opened(archive.read("color.jpg")))
    assert np.abs(colour[20, 30].astype(int) - (20, 60, 200)).max() <= 6
    assert colour[0, 0].max() <= 6
    assert np.array_equal(np.asarray(opened(archive.read("alpha.png"))), canvas().alpha)


def pictures_in(name: str) -> list[Image.Image]:
    source = canvas(opaque=name == "jpeg")
    content, _ = encode(source, Options(output_format=name))
    if name != "zip":
        return [opened(content)]
    archive = zipfile.ZipFile(io.BytesIO(content))
    return [opened(archive.read(entry)) for entry in archive.namelist()]


@pytest.mark.parametrize("name", FORMATS)
def test_every_picture_says_that_it_is_srgb(name):
    for picture in pictures_in(name):
        assert "srgb" in picture.info or picture.info["icc_profile"] == srgb_profile()


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"webp"}))  # WebP has no place for it
def test_every_picture_keeps_the_resolution(name):
    for picture in pictures_in(name):
        assert picture.info["dpi"] == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_else_is_written(name):
    for picture in pictures_in(name):
        assert not {"exif", "xmp", "comment"} & picture.info.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_equal_pictures_make_equal_bytes(name):
    source, options = canvas(opaque=name == "jpeg"), Options(output_format=name)

    assert encode(source, options) == encode(source, options)


def test_the_profile_is_srgb_and_the_same_each_time():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))

    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert srgb_profile()[24:36] == bytes.fromhex("07d000010001000000000000")
