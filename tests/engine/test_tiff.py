"""TIFF in every way that its format allows: the right picture, or a refusal that is true.

The writer of these tests is itself held against tifffile; colours against libvips.
"""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
import pyvips
import tifffile

from removal.engine import UnreadableImage, inspect
from removal.engine.reading.decode import MAX_INPUT_PIXELS, decode, opened
from removal.engine.reading.headers.tags import Directory
from removal.engine.reading.tiff import parts
from removal.engine.reading.tiff import samples as sampling

from . import hostile, tiffs
from .tiffs import (
    DEFLATE,
    G3,
    G4,
    JPEG,
    LONG,
    LZW,
    NONE,
    PACKBITS,
    RATIONAL,
    RLE,
    SHORT,
    UNDEFINED,
    Form,
)  # fmt: skip

SIZE = (29, 37)  # (rows, columns): the last strip, the last tiles and the last bytes are not full
UNASSOCIATED, ASSOCIATED, UNSPECIFIED = 2, 1, 0
# name -> (photometric, samples, extra samples, bits)
KINDS = {
    "white is zero": (0, 1, (), (1, 2, 4, 8, 12, 16)),
    "black is zero": (1, 1, (), (1, 2, 4, 8, 12, 16)),
    "white is zero, alpha": (0, 2, (UNASSOCIATED,), (8, 16)),
    "grey, alpha": (1, 2, (UNASSOCIATED,), (1, 2, 4, 8, 16)),
    "grey, associated alpha": (1, 2, (ASSOCIATED,), (8, 16)),
    "grey, extra": (1, 2, (UNSPECIFIED,), (8, 16)),
    "grey, untold": (1, 2, None, (8, 16)),
    "RGB": (2, 3, (), (1, 2, 4, 8, 12, 16)),
    "RGB, alpha": (2, 4, (UNASSOCIATED,), (2, 4, 8, 16)),
    "RGB, associated alpha": (2, 4, (ASSOCIATED,), (8, 16)),
    "RGB, extra": (2, 4, (UNSPECIFIED,), (8, 16)),
    "RGB, untold": (2, 4, None, (8, 16)),
    "RGB, two extras": (2, 5, (UNSPECIFIED, UNSPECIFIED), (8, 16)),
    "RGB, extra, alpha": (2, 5, (UNSPECIFIED, UNASSOCIATED), (8, 16)),
    "palette": (3, 1, (), (1, 2, 4, 8)),
    "palette, alpha": (3, 2, (UNASSOCIATED,), (4, 8)),
    "CMYK": (5, 4, (), (8, 16)),
    "CMYK, alpha": (5, 5, (UNASSOCIATED,), (8, 16)),
    "CMYK, associated alpha": (5, 5, (ASSOCIATED,), (8, 16)),
    "YCbCr": (6, 3, (), (8,)),
    "CIELab": (8, 3, (), (8, 16)),
    "ICCLab": (9, 3, (), (8, 16)),
}
PACKINGS = [
    (NONE, False), (LZW, False), (LZW, True), (DEFLATE, False), (DEFLATE, True), (PACKBITS, False),
]  # fmt: skip


def forms(name):
    photometric, samples, extra, depths = KINDS[name]
    for bits, separate, (compression, differences), order, tile, big in itertools.product(
        depths, (False, True), PACKINGS, "<>", (None, (16, 32)), (False, True)
    ):
        if (separate and samples == 1) or (differences and bits not in (8, 16)):
            continue
        if big and compression != NONE:  # of BigTIFF only the directory differs
            continue
        yield Form(
            photometric, bits, extra, separate, compression, order, tile,
            differences=differences, big=big, reversed_bits=bits == 4,
        )  # fmt: skip


ALL = [(name, form) for name in KINDS for form in forms(name)]


def random_samples(name, bits, seed=5):
    _, samples, extra, _ = KINDS[name]
    drawn = np.random.default_rng(seed).integers(0, 2**bits, (*SIZE, samples))
    if name.endswith("Lab"):  # within what sRGB has
        grey, most = (2 ** (bits - 1), 2**bits) if name == "ICCLab" else (0, 2**bits)
        drawn = drawn // 8 + np.array((most // 2, grey - most // 16, grey - most // 16))
        drawn %= most
    if extra == (ASSOCIATED,):  # no colour is stronger than its alpha
        drawn[..., :-1] = drawn[..., :-1] * drawn[..., -1:] // (2**bits - 1)
    return drawn


def file_of(name, form, samples):
    more = {}
    if form.photometric == 3:
        more["t320"] = SHORT, [int(level) * 257 for level in palette(form.bits).T.ravel()]
    if form.photometric == 6:
        more["t530"] = SHORT, [1, 1]
    return tiffs.write(samples, form, **more)


def palette(bits):
    return np.random.default_rng(9).integers(0, 256, (2**bits, 3), dtype=np.uint8)


def read(data):
    picture = decode(opened(data), MAX_INPUT_PIXELS)
    return picture.rgb, picture.alpha


def eight_bits(samples, bits):
    if bits > 8:
        return (samples >> (bits - 8)).astype(np.uint8)
    return np.round(samples * (255 / (2**bits - 1))).astype(np.uint8)


def expected(name, form, samples):
    """(rgb, alpha) of the picture, worked out from the meaning of its samples."""
    photometric, _, extra, _ = KINDS[name]
    count = {2: 3, 5: 4, 6: 3, 8: 3, 9: 3}.get(photometric, 1)
    colours, alpha = samples[..., :count].astype(float), None
    if extra is None or set(extra) & {ASSOCIATED, UNASSOCIATED}:
        alpha = eight_bits(samples[..., -1], form.bits)
    if extra == (ASSOCIATED,):
        most = 2**form.bits - 1
        colours = np.minimum(np.round(colours * most / np.maximum(samples[..., -1:], 1)), most)
    levels = eight_bits(colours.astype(int), form.bits)
    if photometric == 3:
        return palette(form.bits)[samples[..., 0]], alpha
    return TO_RGB[photometric](levels), alpha


def from_cmyk(levels):
    ink = levels.astype(float)
    return (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255


def from_ycbcr(levels):
    y, cb, cr = np.moveaxis(levels.astype(float) - (0, 128, 128), -1, 0)
    rgb = np.stack((y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb), -1)
    return rgb.clip(0, 255)


def from_lab(lab):
    """sRGB of CIE L*a*b* (0..100, signed, signed) under D50."""
    y = (lab[..., 0] + 16) / 116
    cubed = np.stack((y + lab[..., 1] / 500, y, y - lab[..., 2] / 200), -1)
    linear = np.where(cubed > 6 / 29, cubed**3, (cubed - 4 / 29) * 3 * (6 / 29) ** 2)
    xyz = linear * (0.9642, 1.0, 0.8249)
    rgb = xyz @ np.linalg.inv(SRGB_D50).T
    curve = np.where(
        rgb > 0.0031308, 1.055 * np.maximum(rgb, 1e-9) ** (1 / 2.4) - 0.055, 12.92 * rgb
    )
    return (curve * 255).clip(0, 255)


SRGB_D50 = np.array(
    ((0.4361, 0.3851, 0.1431), (0.2225, 0.7169, 0.0606), (0.0139, 0.0971, 0.7141))
)  # IEC 61966-2-1, adapted to D50 after Bradford
TO_RGB = {
    0: lambda levels: np.repeat(255 - levels, 3, -1),
    1: lambda levels: np.repeat(levels, 3, -1),
    2: lambda levels: levels,
    5: from_cmyk,
    6: from_ycbcr,
    8: lambda levels: from_lab(
        np.concatenate((levels[..., :1] / 2.55, levels[..., 1:].astype(np.int8)), -1)
    ),
    9: lambda levels: from_lab(
        np.concatenate((levels[..., :1] / 2.55, levels[..., 1:] - 128.0), -1)
    ),
}
SLACK = {5: 1, 6: 1, 8: 3, 9: 3}  # levels: rounding, and the steps of a colour engine
ASSOCIATED_SLACK = 2  # halves that are rounded twice


def difference(name, form):
    """The largest one of any level, of colour where it shows, or of alpha."""
    samples = random_samples(name, form.bits)
    rgb, alpha = read(file_of(name, form, samples))
    right, right_alpha = expected(name, form, samples)
    if right_alpha is None or alpha is None:
        assert right_alpha is None
        assert alpha is None
        return np.abs(rgb - right.astype(float)).max()
    wrong = np.abs(rgb - right.astype(float)).max(-1)[right_alpha > 0].max()
    return max(wrong, np.abs(alpha - right_alpha.astype(float)).max())


@pytest.mark.parametrize("name", KINDS)
def test_every_form_of_a_kind_is_the_right_picture(name):
    slack = SLACK.get(KINDS[name][0], 0) + ASSOCIATED_SLACK * ("associated" in name)

    wrong = [form for form in forms(name) if difference(name, form) > slack]

    assert not wrong, f"{len(wrong)}, the first: {wrong[0]}"


def test_there_are_enough_forms():
    assert len(ALL) > 960


def test_the_writer_writes_what_tifffile_reads():
    """Of what tifffile reads without further packages."""
    compared = 0
    for name, form in ALL:
        if form.bits not in (8, 16) or form.compression == LZW:
            continue
        samples = random_samples(name, form.bits)
        found = tifffile.imread(io.BytesIO(file_of(name, form, samples)))
        found = np.moveaxis(found, 0, -1) if form.separate else found
        assert np.array_equal(found.reshape(samples.shape), samples), form
        compared += 1
    assert compared > 960


def vips(data):
    """libvips' reading, as (h, w, bands)."""
    return pyvips.Image.new_from_buffer(data, "").numpy().reshape(*SIZE, -1)


def smooth(samples):
    """What JPEG keeps: one wave a channel."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    waves = [
        128 + 90 * np.sin(rows / 9 + columns / (7 + place) + place) for place in range(samples)
    ]
    return np.stack(waves, -1).astype(int)


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize(
    ("photometric", "samples", "separate"),
    [
        *((photometric, 1, False) for photometric in (0, 1)),
        *itertools.chain.from_iterable(
            ((photometric, samples, False), (photometric, samples, True))
            for photometric, samples in ((2, 3), (5, 4), (6, 3), (8, 3))
        ),
    ],
)
def test_jpeg_in_tiff_is_the_right_picture(photometric, samples, separate, tile):
    wave = smooth(samples)
    if photometric == 8:  # a and b near 0
        wave[..., 1:] //= 16
    form = Form(photometric, compression=JPEG, separate=separate, tile=tile, rows=16)
    data = tiffs.write(wave, form, t530=(SHORT, [1, 1]))

    rgb, alpha = read(data)

    # libjpeg turns the chunky YCbCr of the writer's RGB round; else samples are what they are.
    right = (
        wave if photometric == 6 and not separate else TO_RGB[photometric](wave.astype(np.uint8))
    )
    assert alpha is None
    assert np.abs(rgb.astype(int) - right).max() <= 6


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("compression", [RLE, G3, G4])
def test_fax_is_the_right_picture(compression, photometric, tile):
    samples = np.random.default_rng(3).integers(0, 2, (*SIZE, 1))
    form = Form(photometric, 1, compression=compression, tile=tile, rows=8)
    data = tiffs.write(samples, form)

    rgb, _ = read(data)

    assert np.array_equal(rgb[..., :1], samples * 255 if photometric else 255 - samples * 255)
    assert np.array_equal(rgb[..., :1], vips(data))


@pytest.mark.parametrize("compression", [RLE, G3, G4])
def test_dots_that_fax_codes_make_longer_are_read_to_the_end(compression):
    dots = (np.indices((300, 480)).sum(0) % 2)[..., None]
    form = Form(1, 1, compression=compression, rows=300)
    data = tiffs.write(dots, form)

    assert len(data) > 3 * dots.size // 8
    assert np.array_equal(read(data)[0][..., :1], dots * 255)


@pytest.mark.parametrize("compression", [RLE, G3, G4])
def test_fax_that_lacks_its_end_is_called_cut_off(compression):
    """libtiff fills what is missing with white."""
    form = Form(1, 1, compression=compression, rows=SIZE[0])
    samples = np.random.default_rng(3).integers(0, 2, (*SIZE, 1))
    (packed,) = (tiffs.packed(part, form) for part in tiffs.parts_of(samples, form))
    tags = tiffs.tags_of(samples.shape, form) | {273: (LONG, [0]), 279: (LONG, [len(packed)])}
    directory = tiffs.directory(tags, form, 16)
    tags[273] = LONG, [16 + len(directory)]
    whole = tiffs.header(form, 16) + tiffs.directory(tags, form, 16) + packed

    assert np.array_equal(read(whole)[0][..., :1], samples * 255)
    with pytest.raises(UnreadableImage, match="cut off"):
        read(whole[:-20])


def units(samples, across, down):
    """YCbCr samples as TIFF packs them: each unit's Y, then one Cb and Cr."""
    rows, columns = (-(-side // step) for side, step in zip(SIZE, (down, across), strict=True))
    whole = np.pad(
        samples, ((0, rows * down - SIZE[0]), (0, columns * across - SIZE[1]), (0, 0)), "edge"
    )
    blocks = whole.reshape(rows, down, columns, across, 3).transpose(0, 2, 1, 3, 4)
    luma = blocks[..., 0].reshape(rows, columns, -1)
    return np.concatenate([luma, blocks[:, :, 0, 0, 1:]], -1).reshape(rows, -1, 1)


@pytest.mark.parametrize("compression", [NONE, LZW])
@pytest.mark.parametrize("ratio", [(2, 1), (2, 2), (4, 2), (1, 2), (4, 4)])
def test_subsampled_ycbcr_is_the_right_picture(ratio, compression):
    wave = smooth(3)
    rows = 8 // ratio[1]
    cut = [part for part in np.split(units(wave, *ratio), range(rows, 99, rows)) if len(part)]
    form = Form(6, compression=compression, rows=8)
    tags = tiffs.tags_of(wave.shape, form) | {530: (SHORT, [*ratio])}
    data = tiffs.file_of([tiffs.packed(part, form) for part in cut], tags, form)

    rgb, _ = read(data)

    step = wave.copy()
    for channel in (1, 2):
        coarse = wave[:: ratio[1], :: ratio[0], channel]
        step[..., channel] = coarse.repeat(ratio[1], 0).repeat(ratio[0], 1)[: SIZE[0], : SIZE[1]]
    assert np.abs(rgb - from_ycbcr(step)).max() <= 1


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("RGB", Form(2, compression=LZW, differences=True)),
        ("black is zero", Form(1, bits=4, compression=LZW)),
        ("black is zero", Form(1, compression=PACKBITS, tile=(16, 16))),
        ("palette", Form(3, compression=DEFLATE)),
        ("CMYK", Form(5, separate=True)),
        ("RGB, extra", Form(2, extra=(UNSPECIFIED,), bits=16, order=">")),
    ],
)
def test_libvips_sees_the_same_picture(name, form):
    data = file_of(name, form, random_samples(name, form.bits))
    seen = vips(data)
    if form.bits == 16:
        seen = seen >> 8
    right = expected(name, form, random_samples(name, form.bits))[0]
    if name == "CMYK":
        seen = from_cmyk(seen)

    assert np.abs(seen[..., :3].astype(float) - right[..., : seen.shape[2]]).max() <= 0
    assert np.abs(read(data)[0].astype(float) - right).max() <= SLACK.get(form.photometric, 0)


def test_a_palette_of_8_bit_colours_is_not_black():
    colours = palette(8)
    more = {"t320": (SHORT, [int(level) for level in colours.T.ravel()])}
    samples = random_samples("palette", 8)

    rgb, _ = read(tiffs.write(samples, Form(3), **more))

    assert np.array_equal(rgb, colours[samples[..., 0]])


def test_ycbcr_with_a_reference_of_its_own_is_spread():
    """Studio levels, as scanners write them."""
    levels = np.full((*SIZE, 3), (16, 128, 128))
    levels[5:] = 235, 128, 128
    reference = [value for level in (16, 235, 128, 240, 128, 240) for value in (level, 1)]
    more = {"t530": (SHORT, [1, 1]), "t532": (RATIONAL, reference)}

    rgb, _ = read(tiffs.write(levels, Form(6), **more))

    assert (rgb[:5] == 0).all()
    assert (rgb[5:] == 255).all()


@pytest.mark.parametrize("value", [0, 7, 1 << 31])
def test_ycbcr_with_a_senseless_reference_is_read_without_it(value):
    more = {
        "t530": (SHORT, [1, 1]),
        "t532": (RATIONAL, [value] * 12),
        "t529": (RATIONAL, [value] * 6),
    }
    levels = smooth(3)

    rgb, _ = read(tiffs.write(levels, Form(6), **more))

    assert np.abs(rgb - from_ycbcr(levels)).max() <= 1


@pytest.mark.parametrize(
    ("form", "samples", "more", "words"),
    [
        (Form(2), 2, {}, "has 2 channels"),
        (Form(2, extra=(0,) * 6), 9, {}, "has 9 channels"),
        (Form(4), 1, {}, "photometric interpretation 4"),
        (Form(32845), 3, {}, "photometric interpretation 32845"),
        (Form(5), 4, {"t332": (SHORT, [2])}, "inks"),
        (Form(3), 1, {"t320": (SHORT, [0] * 48)}, "palette"),
        (Form(3, bits=16), 1, {"t320": (SHORT, [0] * 768)}, "palette"),
        (Form(8, bits=4), 3, {}, "Lab"),
        (Form(8, extra=(ASSOCIATED,)), 4, {}, "alpha is multiplied"),
        (Form(6, bits=16), 3, {"t530": (SHORT, [1, 1])}, "YCbCr"),
        (Form(6, separate=True), 3, {"t530": (SHORT, [2, 2])}, "separate planes"),
        (Form(6), 3, {"t530": (SHORT, [3, 2])}, "subsampled by 3 x 2"),
        (Form(6, rows=7), 3, {"t530": (SHORT, [2, 2])}, "cut through"),
        (Form(2, compression=LZW), 3, {"t317": (SHORT, [3])}, "predictor"),
        (Form(2, bits=4, compression=LZW), 3, {"t317": (SHORT, [2])}, "predictor"),
        (Form(2, compression=PACKBITS), 3, {"t259": (SHORT, [G4])}, "fax"),
        (Form(2, bits=16), 3, {"t259": (SHORT, [JPEG])}, "JPEG"),
        (Form(2, extra=(2,)), 4, {"t259": (SHORT, [JPEG])}, "JPEG"),
        (Form(2), 3, {"t258": (SHORT, [5, 6, 5])}, "5, 6, 5"),
        (Form(2), 3, {"t259": (SHORT, [6])}, r"compression \(6\)"),
        (Form(1), 1, {"t254": (LONG, [1]), "t330": (LONG, [8])}, None),
    ],
)
def test_what_is_not_read_is_refused_for_its_own_reason(form, samples, more, words):
    data = tiffs.write(np.zeros((*SIZE, samples), int), form, **more)

    if words is None:  # nothing but a broken pointer
        assert read(data)[0].max() == 0
        return
    with pytest.raises(UnreadableImage, match=words) as refusal:
        inspect(data)
    assert "damaged" not in str(refusal.value)


@pytest.mark.parametrize("compression", [LZW, DEFLATE, PACKBITS, JPEG])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_a_tiff_that_lacks_a_part_is_called_cut_off(compression, tile):
    form = Form(2, compression=compression, tile=tile)
    packed = [tiffs.packed(part, form) for part in tiffs.parts_of(smooth(3), form)]
    gone = tiffs.file_of([*packed[:-1], packed[-1][:4]], tiffs.tags_of((*SIZE, 3), form), form)

    with pytest.raises(UnreadableImage, match="cut off"):
        read(gone)


def test_parts_that_are_missing_from_the_list_are_told():
    form = Form(2)
    packed = [tiffs.packed(part, form) for part in tiffs.parts_of(smooth(3), form)]

    with pytest.raises(UnreadableImage, match="names 4 of its 5 strips"):
        inspect(tiffs.file_of(packed[:-1], tiffs.tags_of((*SIZE, 3), form), form))


@pytest.mark.parametrize("length", [0, 10])
def test_samples_that_reach_beyond_the_file_are_called_cut_off(length):
    with pytest.raises(UnreadableImage, match="cut off"):
        read(hostile.tiff(bytes(length), 100, 100))


@pytest.fixture
def handed(monkeypatch):
    """The files that libtiff is given."""
    files = []

    def opened(file):
        files.append(file.getvalue())
        return parts_of_libtiff(file)

    parts_of_libtiff = parts._Strips
    monkeypatch.setattr(parts, "_Strips", opened)
    return files


def test_libtiff_sees_nothing_but_strips(handed):
    """Private tags, further pages and whatever else a file holds stay outside."""
    private = {"t34665": (LONG, [8]), "t40001": (UNDEFINED, [77] * 999)}

    rgb, _ = read(tiffs.write(smooth(3), Form(2, compression=LZW), **private))

    assert np.array_equal(rgb, smooth(3))
    assert {*Directory(handed[0]).entries} == {
        256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 292, 293
    }  # fmt: skip
    assert not any(b"M" * 99 in file for file in handed)


def test_parts_that_share_their_bytes_are_not_copied_without_end(handed):
    """4,000 tiles, each of which claims a file of 300 KB for its own."""
    form = Form(compression=DEFLATE, tile=(16, 16))
    body = zlib.compress(bytes(256)).ljust(300_000, b"\0")
    shape = (1600, 640, 1)
    shared = tiffs.tags_of(shape, form) | {324: (LONG, [16] * 4000), 325: (LONG, [300_000] * 4000)}

    rgb, _ = read(tiffs.header(form, 300_016) + body + tiffs.directory(shared, form, 300_016))

    assert rgb.max() == 0
    assert sum(map(len, handed)) < 4000 * (8 * 256 + 5000)


@pytest.mark.parametrize("samples", [3, 8])
def test_a_strip_of_any_size_is_bounded_from_its_header(samples):
    form = Form(2, bits=16, extra=(0,) * (samples - 3), rows=5000)
    tags = tiffs.tags_of((5000, 6400, samples), form)
    data = tiffs.file_of([bytes(9)], tags, form)

    if samples == 3:
        assert inspect(data).size == (6400, 5000)
        return
    with pytest.raises(UnreadableImage, match="512,000,000 bytes each"):
        inspect(data)


def sub_directory(form, **tags):
    """A TIFF of 37 x 29 whose tag 330 points to a directory with `tags`."""
    wave = tiffs.write(smooth(3), form, t330=(LONG, [0]))
    data = tiffs.write(smooth(3), form, t330=(LONG, [len(wave)]))
    return data + tiffs.directory(tiffs.numbered(tags), form, len(data))


LARGER = {"t256": (LONG, [3000]), "t257": (LONG, [2000])}
RAW = {
    "DNG": tiffs.write(smooth(3), Form(2), t50706=(UNDEFINED, [1, 4, 0, 0])),
    "sensor colours": tiffs.write(smooth(1), Form(32803)),
    "linear raw": tiffs.write(smooth(3), Form(34892, order=">")),
    "sensor colours below": sub_directory(Form(2), **LARGER, t262=(SHORT, [32803])),
    "CR2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(99),
    "CR3": hostile.box(b"ftyp", b"crx \0\0\0\1crx isom"),
    "RAF": b"FUJIFILMCCD-RAW 0201FF" + bytes(99),
    "ORF": b"IIRO\x08\0\0\0" + bytes(99),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(99),
}


@pytest.mark.parametrize("name", RAW)
def test_camera_raw_is_refused_by_its_name(name):
    with pytest.raises(UnreadableImage, match=r"camera raw .*Export the photo as JPEG"):
        inspect(RAW[name])


@pytest.mark.parametrize("form", [Form(2), Form(2, order=">", big=True)])
def test_a_preview_is_not_taken_for_the_picture(form):
    with pytest.raises(UnreadableImage, match="small preview"):
        inspect(sub_directory(form, **LARGER))


def test_a_first_page_that_calls_itself_reduced_is_not_taken_for_the_picture():
    form = Form(2)
    data = tiffs.write(smooth(3), form, t254=(LONG, [1]))
    behind = bytearray(data)
    at = struct.unpack_from("<I", data, 4)[0]
    (count,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", behind, at + 2 + 12 * count, at)

    assert read(data)[0].shape == (*SIZE, 3)  # the only page there is
    with pytest.raises(UnreadableImage, match="small preview"):
        inspect(bytes(behind))


def test_pictures_with_smaller_copies_of_themselves_are_read():
    """As map and microscope programs write them."""
    small = {"t256": (LONG, [9]), "t257": (LONG, [7]), "t254": (LONG, [1])}

    assert np.array_equal(read(sub_directory(Form(2), **small))[0], smooth(3))


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        ("CIELab", ([150, 1, 2], [150, 255, 254])),  # a and b of 1 and -1, 2 and -2
        ("ICCLab", ([150, 129, 130], [150, 127, 126])),
        ("CMYK, alpha", ([20, 90, 10, 0, 255], [20, 90, 10, 0, 255])),
        ("CMYK, alpha", ([20, 90, 10, 0, 255], [250, 0, 250, 99, 0])),
        ("grey, alpha", ([70, 255], [200, 0])),
        ("RGB, alpha", ([70, 80, 90, 255], [200, 9, 9, 0])),
    ],
)
def test_shrinking_averages_colours_not_bytes(name, colours):
    """Two neighbours become one pixel: a grey of two opposite hues, or what is not transparent."""
    photometric, _, extra, _ = KINDS[name]
    pair = np.tile(np.array(colours), (2, 8, 1))
    data = tiffs.write(pair, Form(photometric, extra=extra))
    middle = np.tile(np.array(colours[:1] if extra else [[150, *(128,) * 2]]), (2, 8, 1))
    kind = "ICCLab" if photometric == 8 else name
    right, _ = expected(kind, Form(KINDS[kind][0], extra=extra), middle)

    picture = decode(opened(data), 8)

    assert picture.rgb.shape == (1, 8, 3)
    assert np.abs(picture.rgb - right[:1, :8].astype(float)).max() <= 3


def test_samples_of_odd_depths_are_taken_apart_in_steps(monkeypatch):
    """One row of many megapixels became eight times its bytes at once."""
    monkeypatch.setattr(sampling, "_STEP_BYTES", 64)
    for bits, count in itertools.product((1, 3, 4, 7, 12, 15), (1, 3)):
        drawn = np.random.default_rng(bits).integers(0, 2**bits, (3, 1000, count))
        form = Form(2 if count == 3 else 1, bits)
        right = np.broadcast_to(eight_bits(drawn, bits), (3, 1000, 3))

        picture = decode(opened(tiffs.write(drawn, form)), 3000)

        assert np.array_equal(picture.rgb, right), bits
