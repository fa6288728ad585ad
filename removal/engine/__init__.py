"""The imaging core: a photo's bytes in, the cut-out's bytes out. Plain Python, no Django.

from removal.engine import Options, remove_background
result = remove_background(open("photo.jpg", "rb").read(), Options(crop_to_foreground=True))
result.content, result.media_type, result.facts
"""

from .errors import (
    Cancelled,
    DeltaWouldShrink,
    EngineError,
    InvalidOption,
    ModelUnavailable,
    RegionEmpty,
    RegionOutside,
    ResultTooLarge,
    TooManyPixels,
    UnreadableBackground,
    UnreadableImage,
)
from .geometry import Box, limited_size
from .hints import Hints, Stroke
from .matting.scribbles import mend
from .options import (
    HINTS,
    MAX_PIXELS,
    PARAMETERS,
    Length,
    Margin,
    Options,
    Region,
    parse_bool,
    parse_options,
)
from .pipeline import Facts, Result, check, remove_background
from .reading.decode import Header, inspect
from .writing.encode import extension_of

__all__ = [
    "HINTS",
    "MAX_PIXELS",
    "PARAMETERS",
    "Box",
    "Cancelled",
    "DeltaWouldShrink",
    "EngineError",
    "Facts",
    "Header",
    "Hints",
    "InvalidOption",
    "Length",
    "Margin",
    "ModelUnavailable",
    "Options",
    "Region",
    "RegionEmpty",
    "RegionOutside",
    "Result",
    "ResultTooLarge",
    "Stroke",
    "TooManyPixels",
    "UnreadableBackground",
    "UnreadableImage",
    "check",
    "extension_of",
    "inspect",
    "limited_size",
    "mend",
    "parse_bool",
    "parse_options",
    "remove_background",
]
