"""Fits a recipe to a file: which input and output, of which size and type.

Each refusal says what was found and, where there is one, the line of the recipe that mends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import ModelUnavailable
from .backends import Opened, Port
from .recipes import NONE, SIDES, Recipe

INPUT_TYPES = (np.float32, np.float16, np.float64, np.uint8)
WANTED = "what is run takes one colour picture, (1, 3, side, side)"
USUAL_SIDE = 1024


def unfit(what: str, **line: object) -> ModelUnavailable:
    """To be raised where a network and its recipe do not fit; `line`: the field that mends it."""
    pairs = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in line.items())
    return ModelUnavailable(f"{what} Put {pairs} into its recipe." if pairs else what)


@dataclass(frozen=True, slots=True)
class Bound:
    """The recipe, completed from the file. `run`: float32 (1, 3, h, w) to the raw output (h, w).

    several: the same for several of one shape in one run; None where the file takes one a run.
    """

    recipe: Recipe
    run: Callable[[Floats], Floats]
    several: Callable[[Sequence[Floats]], Sequence[Floats]] | None


def bind(opened: Opened, recipe: Recipe, device: str) -> Bound:
    """ModelUnavailable says why a file cannot be run by this recipe on this device."""
    if len(opened.inputs) != 1:
        raise unfit(f"It has several inputs ({_listed(opened.inputs)}), but {WANTED}.")
    source = _chosen(opened.inputs, recipe.input, "input")
    output = _chosen(opened.outputs, recipe.output, "output")
    dtype = _input_type(source, output, recipe, device)
    completed = replace(recipe, side=_side(source, recipe))

    def run(tensor: Floats) -> Floats:
        result = opened.call(output.name, source.name, _converted(tensor, dtype))
        return plane(result, tensor.shape[2:], completed)

    def several(tensors: Sequence[Floats]) -> Sequence[Floats]:
        together = np.concatenate(tensors)
        result = opened.call(output.name, source.name, _converted(together, dtype))
        if not isinstance(result, np.ndarray) or result.shape[:1] != (len(tensors),):
            raise unfit("Its output does not have one entry for each picture.")
        size = together.shape[2:]
        return [plane(result[n : n + 1], size, completed) for n in range(len(tensors))]

    takes_several = not isinstance(source.shape[0], int)
    return Bound(completed, run, several if takes_several else None)


def plane(result: Any, size: tuple[int, ...], recipe: Recipe) -> Floats:
    """The matte's plane of an output, float32 of `size` (h, w)."""
    if not isinstance(result, np.ndarray):
        raise unfit("Its output is no tensor.")
    shown, planes = result.shape, result
    if planes.ndim == 4 and planes.shape[0] == 1:
        planes = planes[0]
    if planes.ndim == 2:
        planes = planes[None]
    if planes.ndim == 3 and planes.shape[:2] == size and planes.shape != size:
        planes = np.moveaxis(planes, 2, 0)  # channels last
    if planes.ndim != 3:
        raise unfit(f"Its output has the shape {shown}; a matte is (1, 1, height, width).")
    channels = len(planes)
    if recipe.channel >= channels or (recipe.channel < 0 and channels != 1):
        raise unfit(
            f"Its output has {channels} channels: name the one that holds the matte.",
            channel=channels - 1,
        )
    matte = planes[max(0, recipe.channel)]
    if matte.shape != size:
        raise unfit(
            f"Its output has the shape {shown}, but the matte of a {size[1]} x {size[0]} frame "
            'must be of that size. If it has another output, name that one by "output".'
        )
    return np.asarray(matte, np.float32)


def _chosen(ports: Sequence[Port], wanted: str | int, kind: str) -> Port:
    if wanted == "":
        if len(ports) == 1:
            return ports[0]
        raise unfit(f"It has several {kind}s: {_listed(ports)}.", **{kind: ports[0].name})
    found = ports[wanted : wanted + 1] if isinstance(wanted, int) else [
        port for port in ports if port.name == wanted
    ]  # fmt: skip
    if not found:
        raise unfit(f"It has no {kind} {wanted!r}, but {_listed(ports)}.", **{kind: ports[0].name})
    return found[0]


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(f"{port.name} {_shape(port)}" for port in ports[:12])


def _shape(port: Port) -> str:
    return f"({', '.join(map(str, port.shape))})"


def _input_type(source: Port, output: Port, recipe: Recipe, device: str) -> np.dtype[Any]:
    if source.dtype is None or source.dtype not in INPUT_TYPES:
        raise unfit("Its input is of a kind that is not run: float32, float16, float64 or uint8.")
    if device == "cpu" and np.float16 in (source.dtype, output.dtype):
        raise unfit(
            "It is a file in half precision (fp16), which no processor runs well: "
            "export it in float32, or set REMOVAL_DEVICE=cuda."
        )
    if source.dtype == np.uint8 and recipe.normalisation != NONE:
        raise unfit("Its input is uint8, colours as they are.", normalisation="none")
    if recipe.gpu_only and device != "cuda":
        raise unfit("It is too large for a processor: set REMOVAL_DEVICE=cuda.")
    return source.dtype


def _side(source: Port, recipe: Recipe) -> int:
    shape = source.shape
    if len(shape) != 4 or (shape[0] not in (1, None) and isinstance(shape[0], int)):
        raise unfit(f"Its input has the shape {_shape(source)}, but {WANTED}.")
    if shape[1] != 3 and isinstance(shape[1], int):
        raise unfit(
            f"Its input has the shape {_shape(source)}: channels are to be three and come before "
            f"the sides, for {WANTED}."
        )
    fixed = {one for one in shape[2:] if isinstance(one, int)}
    if len(fixed) > 1:
        raise unfit(f"Its input has the shape {_shape(source)}, which is no square; {WANTED}.")
    if not fixed:
        if recipe.side:
            return recipe.side
        raise unfit("Its input takes any size; the recipe must say one.", side=USUAL_SIDE)
    (side,) = fixed
    if recipe.fit == "multiple":
        raise unfit(f"Its input is {side} x {side}, not of any size.", fit="stretch")
    if side not in SIDES:
        raise unfit(f"Its input is {side} x {side}; from {SIDES.start} to {SIDES.stop - 1} is run.")
    if recipe.side not in (0, side):
        raise unfit(f"Its input is {side} x {side}.", side=side)
    return side


def _converted(tensor: Floats, dtype: np.dtype[Any]) -> Any:
    if dtype == np.uint8:
        return np.clip(np.rint(tensor), 0, 255).astype(np.uint8)
    return tensor.astype(dtype, copy=False)
