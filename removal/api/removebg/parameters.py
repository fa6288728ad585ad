"""The parameters of remove.bg's dialect: a table that maps strings to the engine's options."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from PIL import ImageColor

from removal import offers
from removal.engine import InvalidOption, Length, Margin, Options, Region, parse_bool
from removal.errors import RemovalError

SIZES = {
    **dict.fromkeys(("preview", "small", "regular"), 250_000),
    "medium": 1_500_000,
    "hd": 4_000_000,
    **dict.fromkeys(("auto", "full", "4k", "50mp"), 25_000_000),
}
FORMATS = {
    "auto": "auto",
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "webp": "webp",
    "zip": "zip",
}
CHANNELS = ("rgba", "alpha")
# remove.bg's words and, last, ours. Those that stand for a shadow on the ground are one here.
SHADOWS = {
    "none": "none",
    "drop": "drop",
    **dict.fromkeys(("auto", "car", "3d", "contact"), "contact"),
    "natural": "natural",
}
# Patterns for the readers below and for the schema; ranges are checked separately.
OPACITY = r"100|[0-9]{1,2}"
LENGTH = r"[0-9]{1,6}(?:\.[0-9]{1,6})?(?:px|%)|0"
PERCENT = r"[0-9]{1,3}(?:\.[0-9]{1,6})?%?"
ANYTHING = r"[\s\S]*"
HEX_COLOUR = r"#?(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})"
Values = dict[str, Any]  # fields of Options


class Refusal(RemovalError):
    """An invalid value, with remove.bg's name for the error."""

    code = 1101

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Invalid(Exception):
    """The text is not valid for the parameter."""


def _length(token: str, pixels: int | None = None, percent: int = 100) -> Length:
    if not re.fullmatch(LENGTH, token, re.IGNORECASE | re.ASCII):
        raise Invalid
    value = Decimal(token.lower().removesuffix("px").rstrip("%"))
    limit = percent if token[-1] == "%" else pixels
    if limit is not None and value > limit:
        raise Invalid
    return Length(value, percent=token[-1] == "%")


def _percent(token: str, low: int = 0) -> Decimal:
    if not re.fullmatch(PERCENT, token):
        raise Invalid
    value = Decimal(token.rstrip("%"))
    if not low <= value <= 100:
        raise Invalid
    return value


def _size(text: str) -> Values:
    return {"max_pixels": _word(text, SIZES)}


def _format(text: str) -> Values:
    return {"output_format": _word(text, FORMATS)}


def _channels(text: str) -> Values:
    if text.lower() not in CHANNELS:
        raise Invalid
    return {"output_format": "mask"} if text.lower() == "alpha" else {}


def _add_shadow(text: str) -> Values:
    return {"shadow": SHADOWS["auto"]} if parse_bool("add_shadow", text) else {}


def _shadow_type(text: str) -> Values:
    return {"shadow": _word(text, SHADOWS)}


def _shadow_opacity(text: str) -> Values:
    if not re.fullmatch(OPACITY, text, re.ASCII):
        raise Invalid
    return {"shadow_opacity": int(text)}


def _crop_margin(text: str) -> Values:
    sides = [_length(token, pixels=500, percent=50) for token in text.split()]
    if len(sides) not in (1, 2, 4):
        raise Invalid
    top, right, bottom, left = (sides * 4)[:4]
    return {"margin": Margin(top, right, bottom, left), "margin_of_own_side": True}


def _colour(text: str) -> Values:
    body = text.removeprefix("#")
    if re.fullmatch(HEX_COLOUR, text):
        digits = body if len(body) > 4 else "".join(digit * 2 for digit in body)
        channels = [int(digits[at : at + 2], 16) for at in range(0, len(digits), 2)]
    elif text.lower() == "transparent":
        channels = [0, 0, 0, 0]
    elif text.lower() in ImageColor.colormap:
        channels = list(ImageColor.getrgb(text.lower()))
    else:
        raise Invalid
    opacity = channels[3] if len(channels) == 4 else 255
    return {"background": tuple(channels[:3]), "background_alpha": opacity} if opacity else {}


def _roi(text: str) -> Values:
    corners = [_length(token) for token in text.split()]
    if len(corners) != 4:
        raise Invalid
    return {"region": Region(*corners)}


def _scale(text: str) -> Values:
    return {} if text.lower() == "original" else {"scale": _percent(text, low=10)}


def _position(text: str) -> Values:
    if text.lower() == "original":
        return {}
    if text.lower() == "center":
        return {"position": (Decimal(50), Decimal(50))}
    shares = [_percent(token) for token in text.split()]
    if len(shares) not in (1, 2):
        raise Invalid
    return {"position": (shares[0], shares[-1])}


def _type(text: str) -> Values:
    """The network on offer that is made for such pictures; any other type is ignored."""
    return {"model": offers.suiting(text.lower())}


def _boolean(field: str) -> Callable[[str], Values]:
    def read(text: str) -> Values:
        value = parse_bool(field, text)
        return {field: value} if field else {}

    return read


def _word(text: str, table: Mapping[str, Any]) -> Any:
    if text.lower() not in table:
        raise Invalid
    return table[text.lower()]


def _sequence(pattern: str, *counts: int) -> str:
    """A pattern for `count` times `pattern`, separated by white space."""
    return "|".join(
        rf"(?:{pattern})" + rf"(?:\s+(?:{pattern})){{{count - 1}}}" * (count > 1)
        for count in counts
    )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of the table: the reader, the allowed values in words, and their form: a list of words,
    a pattern, or a boolean."""

    name: str
    read: Callable[[str], Values]
    allowed: str
    words: tuple[str, ...] = ()
    pattern: str = ""


# `channels` comes after `format`: an alpha channel alone is always a grey PNG. `shadow_type` comes
# after `add_shadow`, which it makes more precise.
PARAMETERS = (
    Parameter(
        "size",
        _size,
        "preview, small, regular, medium, hd, full, 4k, 50MP or auto",
        words=(*SIZES, "50MP"),  # in remove.bg's spelling; case does not matter
    ),
    Parameter("format", _format, "auto, png, jpg, webp or zip", words=tuple(FORMATS)),
    Parameter("channels", _channels, "rgba or alpha", words=CHANNELS),
    Parameter("crop", _boolean("crop_to_foreground"), "true or false"),
    Parameter(
        "crop_margin",
        _crop_margin,
        "1, 2 or 4 of up to 500px or 50%",
        pattern=_sequence(LENGTH, 1, 2, 4),
    ),
    Parameter(
        "bg_color",
        _colour,
        "3, 4, 6 or 8 hexadecimal digits, or a CSS colour name",
        pattern=f"{HEX_COLOUR}|[A-Za-z]+",
    ),
    Parameter("roi", _roi, "'x1 y1 x2 y2', each in px or %", pattern=_sequence(LENGTH, 4)),
    Parameter("scale", _scale, "10% to 100%, or original", pattern=f"original|{PERCENT}"),
    Parameter(
        "position",
        _position,
        "original, center, or one or two of 0% to 100%",
        pattern=f"original|center|{_sequence(PERCENT, 1, 2)}",
    ),
    Parameter("semitransparency", _boolean(""), "true or false"),
    Parameter("add_shadow", _add_shadow, "true or false"),
    Parameter(
        "shadow_type",
        _shadow_type,
        "none, auto, car, 3D, drop, contact or natural",
        words=(*SHADOWS, "3D"),
    ),
    Parameter("shadow_opacity", _shadow_opacity, "0 to 100", pattern=OPACITY),
    Parameter("type", _type, "any; person and anime have networks of their own", pattern=ANYTHING),
    Parameter("test", _boolean("watermark"), "true or false"),
)


def read_options(fields: Mapping[str, str]) -> Options:
    """The options that these fields ask for; raises Refusal."""
    values: Values = {}
    for parameter in PARAMETERS:
        text = fields.get(parameter.name, "").strip()
        if text:
            values |= _read(parameter, text)
    if not values.get("crop_to_foreground"):
        values.pop("margin", None)
    return Options(**values)


def _read(parameter: Parameter, text: str) -> Values:
    try:
        return parameter.read(text)
    except (Invalid, InvalidOption) as error:
        raise Refusal(
            f"invalid_{parameter.name}",
            f"{parameter.name}: {text[:80]!r} is not valid. Allowed: {parameter.allowed}.",
        ) from error
