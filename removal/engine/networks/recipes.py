"""What a network expects and what it answers: data, for rows of the catalogue and own files alike.

An operator's recipe is a JSON object with the fields of Recipe, all of them optional:

    {"side": 1024, "normalisation": "imagenet", "output": "alphas", "activation": "sigmoid"}
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import ModelUnavailable

Fit = Literal["stretch", "pad", "multiple"]
Activation = Literal["none", "sigmoid", "tanh"]
LicenceClass = Literal["permissive", "disputed data", "non-commercial", "unknown"]
MOST_BYTES = 64 * 1024  # of a recipe's file
SIDES = range(16, 4097)
LONGEST = (
    2  # the longer side of a frame of `fit` "multiple" by the shorter; beyond, it is stretched
)


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How 8-bit colour becomes the network's input: (colour / divisor - mean) / deviation.

    `by_peak` divides by the picture's brightest value in place of `divisor`.
    """

    divisor: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    by_peak: bool = False


NONE = Normalisation()
UNIT = Normalisation(255.0)
HALF = Normalisation(256.0, (0.5, 0.5, 0.5))
SIGNED = Normalisation(127.5, (1.0, 1.0, 1.0))
IMAGENET = Normalisation(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
IMAGENET_BY_PEAK = Normalisation(255.0, IMAGENET.mean, IMAGENET.deviation, by_peak=True)
NORMALISATIONS = {
    "half": HALF,
    "imagenet": IMAGENET,
    "imagenet-by-peak": IMAGENET_BY_PEAK,
    "unit": UNIT,
    "signed": SIGNED,
    "none": NONE,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is run.

    side: of its square input; with `fit` "multiple", of the frame's shorter side; 0: the file's.
    multiple: what both sides are multiples of, with `fit` "multiple".
    fit: "stretch" the photo to the square; "pad" it to the square, its proportions kept;
        "multiple": proportions kept, any sides that are multiples. Only files with dynamic axes
        take the last.
    input, output: by name, or by number from 0; "" where there is only one.
    channel: of the output, where it has several; -1 where it has one.
    peak: the output's value for full foreground, such as 255.
    activation: what is left to do: "sigmoid" for logits, "tanh" for -1..1, as a tanh ends.
    inverted: the output is the background's share.
    min_max: each matte's own minimum and maximum become 0 and 1, as the authors do. Such a network
        finds a subject in almost every picture. None: not said.
    veil: whether our corrections (matting/veil.py, matting/specks.py) apply; they spoil the soft
        mattes of networks that draw hair and glass well.
    memory_mib: at most, while it runs; 0: not known.
    gpu_only: too slow or large for a processor.
    fp16: whether it may compute in half precision on a graphics card; where its makers publish or
        run it so. A trial against float32 has the last word.
    """

    side: int = 0
    multiple: int = 0
    fit: Fit = "stretch"
    normalisation: Normalisation | None = None
    input: str | int = ""
    output: str | int = ""
    channel: int = -1
    peak: float = 1.0
    activation: Activation = "none"
    inverted: bool = False
    min_max: bool | None = None
    veil: bool = False
    memory_mib: int = 0
    gpu_only: bool = False
    fp16: bool = False
    licence: LicenceClass = "unknown"

    def frame_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The (width, height) of the network's input for a photo of `size`."""
        if self.fit != "multiple":
            return self.side, self.side
        shorter = min(size)
        width, height = (
            self._rounded(self.side * min(LONGEST, length / shorter)) for length in size
        )
        return width, height

    def _rounded(self, length: float) -> int:
        return max(1, round(length / self.multiple)) * self.multiple


def read(path: Path) -> Recipe:
    """The recipe of a JSON file. ModelUnavailable names the field that makes no sense."""
    try:
        with path.open("rb") as stream:
            data = json.loads(stream.read(MOST_BYTES + 1))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnavailable(f"The recipe {path} cannot be read: {error}.") from error
    try:
        return parse(data)
    except ValueError as error:
        raise ModelUnavailable(f"The recipe {path}: {error}. See docs/models.md.") from error


def parse(data: Any) -> Recipe:
    """ValueError names the field and what it may be."""
    if not isinstance(data, dict):
        raise ValueError("a JSON object is expected")
    unknown = sorted(set(data) - set(_READERS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no field; known are {', '.join(_READERS)}")
    recipe = Recipe(**{name: _READERS[name](name, value) for name, value in data.items()})
    if (recipe.fit == "multiple") != (recipe.multiple > 0):
        raise ValueError('"multiple" goes with "fit": "multiple", and needs it')
    if recipe.fit == "multiple" and not recipe.side:
        raise ValueError('"fit": "multiple" needs "side", the shorter side\'s length')
    return recipe


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def reader(name: str, value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f'"{name}" must be a whole number from {low} to {high}')
        return value

    return reader


def _word(allowed: tuple[str, ...]) -> Callable[[str, Any], Any]:
    def reader(name: str, value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f'"{name}" must be one of {", ".join(allowed)}')
        return value

    return reader


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f'"{name}" must be true or false')
    return value


def _place(name: str, value: Any) -> str | int:
    if isinstance(value, str) or (type(value) is int and 0 <= value < 100):
        return value
    raise ValueError(f'"{name}" must be a name, or a number from 0')


def _positive(name: str, value: Any) -> float:
    if not _is_number(value) or value <= 0:
        raise ValueError(f'"{name}" must be a number above 0')
    return float(value)


def _normalisation(name: str, value: Any) -> Normalisation:
    if isinstance(value, str) and value in NORMALISATIONS:
        return NORMALISATIONS[value]
    known = {one.name for one in fields(Normalisation)}
    if not isinstance(value, Mapping) or not set(value) <= known:
        raise ValueError(
            f'"{name}" must be one of {", ".join(NORMALISATIONS)}, or an object with '
            "divisor, mean, deviation and by_peak"
        )
    triple = {key: _triple(key, value[key]) for key in ("mean", "deviation") if key in value}
    if 0 in triple.get("deviation", ()):
        raise ValueError('"deviation" must not be 0')
    return Normalisation(
        divisor=_positive("divisor", value.get("divisor", 1)),
        by_peak=_truth("by_peak", value.get("by_peak", False)),
        **triple,
    )


def _triple(name: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3 or not all(map(_is_number, value)):
        raise ValueError(f'"{name}" must be three numbers, for red, green and blue')
    red, green, blue = map(float, value)
    return red, green, blue


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "side": _whole(SIDES.start, SIDES.stop - 1),
    "multiple": _whole(1, 256),
    "fit": _word(get_args(Fit)),
    "normalisation": _normalisation,
    "input": _place,
    "output": _place,
    "channel": _whole(0, 63),
    "peak": _positive,
    "activation": _word(get_args(Activation)),
    "inverted": _truth,
    "min_max": _truth,
    "veil": _truth,
    "memory_mib": _whole(1, 1_000_000),
    "gpu_only": _truth,
    "fp16": _truth,
    "licence": _word(get_args(LicenceClass)),
}
