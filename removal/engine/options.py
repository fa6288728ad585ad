"""What a caller may ask for: one table of parameters, read from strings into frozen values."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from .errors import InvalidOption
from .hints import Hints, parse_hints

OutputFormat = Literal["auto", "png", "jpeg", "delta_png", "webp", "mask", "zip"]
VerticalAlignment = Literal["top", "middle", "bottom"]
Shadow = Literal["none", "drop", "contact", "natural"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = (
    "auto", "png", "jpeg", "delta_png", "webp", "mask", "zip",
)  # fmt: skip
VERTICAL_ALIGNMENTS: tuple[VerticalAlignment, ...] = ("top", "middle", "bottom")
SHADOWS: tuple[Shadow, ...] = ("none", "drop", "contact", "natural")
MAX_PIXELS = 25_000_000
MAX_RESULT_PIXELS = 50_000_000
# What texts look like, for the readers below and for the API's schema. The digits bound the
# arithmetic; the canvas has a limit of its own.
COLOUR = r"#[0-9A-Fa-f]{6}"
LENGTH = r"(?:[0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})(?:px|%)|0"
MARGIN = rf"(?:{LENGTH})(?:\s+(?:{LENGTH})){{0,3}}"
MODEL = r"[a-z0-9][a-z0-9.-]{0,63}"
TARGET_SIZE = r"0{0,7}[1-9][0-9]{0,7}\s+0{0,7}[1-9][0-9]{0,7}"


@dataclass(frozen=True, slots=True)
class Length:
    """A CSS length: `value` pixels, or `value` per cent of a width."""

    value: Decimal = Decimal(0)
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Margin:
    top: Length = Length()
    right: Length = Length()
    bottom: Length = Length()
    left: Length = Length()


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle by two corners; percentages refer to the picture's width and height."""

    left: Length
    top: Length
    right: Length
    bottom: Length


@dataclass(frozen=True, slots=True)
class Options:
    """One request's wishes. Sizes are (width, height) in pixels, colours 8-bit sRGB."""

    max_pixels: int = MAX_PIXELS
    background: tuple[int, int, int] | None = None
    background_alpha: int = 255  # of `background`; below 255 the result stays transparent
    has_background_picture: bool = False  # given beside the photo, it covers the canvas
    crop_to_foreground: bool = False
    margin: Margin = Margin()
    margin_of_own_side: bool = False  # per cent of the height at top and bottom, not of the width
    target_size: tuple[int, int] | None = None
    vertical_alignment: VerticalAlignment = "middle"
    region: Region | None = None  # of the full-size input; outside of it nothing is foreground
    scale: Decimal | None = None  # per cent of the canvas that the foreground is to fill
    position: tuple[Decimal, Decimal] | None = None  # of the spare room, per cent from left and top
    shadow: Shadow = "none"
    shadow_opacity: int | None = None  # per cent of its darkest; None: as suits the shadow
    output_format: OutputFormat = "auto"
    jpeg_quality: int = 75
    watermark: bool = False
    hints: Hints | None = None  # of the full-size input: what a person wants kept and removed
    model: str = ""  # the network's name in the catalogue; the settings' first where it is ""

    @property
    def resolved_format(self) -> OutputFormat:
        """The format that `auto` stands for: JPEG where a background makes the result opaque."""
        if self.output_format != "auto":
            return self.output_format
        return "jpeg" if self.is_opaque else "png"

    @property
    def is_opaque(self) -> bool:
        """Whether a background leaves nothing transparent, in formats that have backgrounds."""
        covered = self.background is not None and self.background_alpha == 255
        return covered or self.has_background_picture


_TRUE = {"true", "1", "yes", "on", "t"}
_FALSE = {"false", "0", "no", "off", "f"}


def parse_bool(name: str, value: str) -> bool:
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidOption(name, value, "true or false (also 1/0, yes/no, on/off, t/f)")


def parse_colour(name: str, value: str) -> tuple[int, int, int]:
    text = value.strip()
    if not re.fullmatch(COLOUR, text):
        raise InvalidOption(name, value, "a colour as #RRGGBB, for example #FFFFFF")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


_MARGIN_ALLOWED = (
    "one to four lengths in CSS order (top right bottom left), each in px or %, "
    "for example '10px' or '5% 10px'"
)


def parse_length(name: str, text: str) -> Length:
    if not re.fullmatch(LENGTH, text, re.IGNORECASE | re.ASCII):
        raise InvalidOption(name, text, _MARGIN_ALLOWED)
    return Length(Decimal(text.lower().removesuffix("px").rstrip("%")), percent=text[-1] == "%")


def parse_margin(name: str, value: str) -> Margin:
    tokens = value.split()
    if not 1 <= len(tokens) <= 4:
        raise InvalidOption(name, value, _MARGIN_ALLOWED)
    top, right, bottom, left = _css_sides([parse_length(name, token) for token in tokens])
    return Margin(top, right, bottom, left)


def _css_sides(lengths: list[Length]) -> tuple[Length, Length, Length, Length]:
    """CSS's shorthand: a missing left is right, a missing bottom is top, a missing right is top."""
    top = lengths[0]
    right = lengths[1] if len(lengths) > 1 else top
    bottom = lengths[2] if len(lengths) > 2 else top
    left = lengths[3] if len(lengths) > 3 else right
    return top, right, bottom, left


def parse_target_size(name: str, value: str) -> tuple[int, int]:
    if not re.fullmatch(TARGET_SIZE, value.strip()):
        raise InvalidOption(
            name, value, "width and height in whole pixels, both at least 1, for example '800 600'"
        )
    width, height = value.split()
    return int(width), int(height)


def parse_model(name: str, value: str) -> str:
    """Only the form: which networks there are is for the caller to know."""
    word = value.strip().lower()
    if not re.fullmatch(MODEL, word):
        raise InvalidOption(name, value, "the name of a network, for example isnet")
    return word


@dataclass(frozen=True, slots=True)
class Choice:
    """Reads one of some words."""

    words: tuple[str, ...]

    def __call__(self, name: str, value: str) -> str:
        word = value.strip().lower()
        if word not in self.words:
            raise InvalidOption(name, value, ", ".join(self.words))
        return word


@dataclass(frozen=True, slots=True)
class Whole:
    """Reads a whole number from `low` to `high`."""

    low: int
    high: int

    def __call__(self, name: str, value: str) -> int:
        text = value.strip()
        if re.fullmatch(r"[0-9]{1,12}", text) and self.low <= int(text) <= self.high:
            return int(text)
        raise InvalidOption(name, value, f"a whole number from {self.low} to {self.high}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of the table: the public name, the field of Options it sets, how its text is read."""

    name: str
    field: str
    parse: Callable[[str, str], Any]
    allowed: str
    default: str


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("test", "watermark", parse_bool, "true or false", "false"),
    Parameter("max_pixels", "max_pixels", Whole(100, MAX_PIXELS), "100 to 25000000", "25000000"),
    Parameter("background.color", "background", parse_colour, "#RRGGBB", "transparent"),
    Parameter(
        "result.crop_to_foreground", "crop_to_foreground", parse_bool, "true or false", "false"
    ),
    Parameter("result.margin", "margin", parse_margin, "1 to 4 of px or %, CSS order", "0px"),
    Parameter("result.target_size", "target_size", parse_target_size, "w h in px", "none"),
    Parameter(
        "result.vertical_alignment",
        "vertical_alignment",
        Choice(VERTICAL_ALIGNMENTS),
        "top, middle, bottom",
        "middle",
    ),
    Parameter("result.shadow", "shadow", Choice(SHADOWS), ", ".join(SHADOWS), "none"),
    Parameter(
        "result.shadow_opacity", "shadow_opacity", Whole(0, 100), "0 to 100", "the shadow's own"
    ),
    Parameter(
        "output.format", "output_format", Choice(OUTPUT_FORMATS), ", ".join(OUTPUT_FORMATS), "auto"
    ),
    Parameter("output.jpeg_quality", "jpeg_quality", Whole(1, 100), "1 to 100", "75"),
    Parameter("model", "model", parse_model, "a network that is offered", "the first offered"),
)

# Only where the parameters are one picture's own: not for batches, nor in older dialects.
HINTS = Parameter(
    "hints", "hints", parse_hints, "points and strokes in JSON, or a PNG with labels", "none"
)


def parse_options(fields: Mapping[str, str], table: tuple[Parameter, ...] = PARAMETERS) -> Options:
    """Read the API's parameters; an absent or empty one takes its default, others are ignored.

    Raises InvalidOption for the first parameter of the table whose value is not allowed.
    """
    values = {
        parameter.field: parameter.parse(parameter.name, fields[parameter.name])
        for parameter in table
        if fields.get(parameter.name, "").strip()
    }
    return Options(**values)
