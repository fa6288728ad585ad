"""Camera raw: what the sensor saw, beside a small preview that is not to be taken for the picture.

Most raw formats are TIFF whose first directory is the preview: a cut-out of that would be a few
hundred pixels wide, or eight. Developing sensor data is a craft with choices of its own, which the
photographer's program makes; so raw files are known here only to be refused by their name.
"""

from .container import Damaged
from .tags import Directory

SENTENCE = (
    "The file is camera raw (such as DNG, CR2, CR3, NEF, ARW, RAF, ORF or RW2): undeveloped sensor "
    "data, which are not supported. Export the photo as JPEG, TIFF or PNG and send that."
)
# Where, and with what, the formats of one maker each begin: Fujifilm, Olympus, Panasonic and Leica,
# Canon (CR3, CRW, CR2), Sigma, Minolta, Phase One.
_SIGNATURES = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"),
    (0, b"IIU\0"),
    (4, b"ftypcrx "), (6, b"HEAPCCDR"), (8, b"CR\x02\0"),
    (0, b"FOVb"),
    (0, b"\0MRM"),
    (8, b"IIII"), (8, b"MMMM"), (8, b"MMRaw"),
)  # fmt: skip

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _SUB_DIRECTORIES = 254, 256, 257, 262, 330
_DNG_VERSION = 50706
_SENSOR_COLOURS = {32803, 34892}  # a colour filter array, linear raw
_REDUCED = 1  # the bit of NewSubfileType that says: a smaller version of another picture here
_MAX_SUB_DIRECTORIES = 16


def is_signed(data: bytes) -> bool:
    """Whether the first bytes are those of a raw format that is told by them."""
    return any(data.startswith(mark, at) for at, mark in _SIGNATURES)


def is_tiff_based(directory: Directory) -> bool:
    """Whether a TIFF, given its first directory, holds sensor data."""
    if _DNG_VERSION in directory.entries:
        return True
    return any(
        page.integer(_PHOTOMETRIC, 0) in _SENSOR_COLOURS
        for page in (directory, *_sub_directories(directory))
    )


def is_preview(directory: Directory) -> bool:
    """Whether a TIFF's first picture is a small version of another one in the file."""
    subs = _sub_directories(directory)
    if directory.integer(_SUBFILE_TYPE, 0) & _REDUCED:
        return bool(subs) or directory.following > 0
    own = _pixels(directory)
    return any(_pixels(sub) > own for sub in subs)


def _sub_directories(directory: Directory) -> list[Directory]:
    found = []
    for start in directory.integers(_SUB_DIRECTORIES, _MAX_SUB_DIRECTORIES):
        try:
            found.append(Directory(directory.data, start))
        except Damaged:
            continue
    return [sub for sub in found if sub.entries]


def _pixels(directory: Directory) -> int:
    return directory.integer(_WIDTH, 0) * directory.integer(_HEIGHT, 0)
