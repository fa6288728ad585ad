"""Opens a network's file: its recipe completed, its memory looked at, tried unless it is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..arrays import Bytes, Floats
from ..errors import ModelUnavailable
from . import backends, gather, guard, half, notes, ports, probe, tensors
from .recipes import Recipe
from .runtime import ort
from .weights import twins

# Builds that keep their memory between runs, which saves a tenth to a third of their time.
# isnet-fp32 would keep 280 MiB to save a twentieth; what larger ones would keep is not known.
KEEPING = frozenset({"isnet-int8", "u2netp-fp32"})
PASSED = "passed-trials.json"
COMPARED = "compared-halves.json"
LONG_TRIAL = 2.0  # seconds; shorter ones are made whenever a network is loaded


@dataclass(frozen=True, slots=True)
class Network:
    """One loaded network. `run` takes float32 (1, 3, h, w) and returns its raw output, (h, w)."""

    name: str
    recipe: Recipe
    run: Callable[[Floats], Floats]

    @property
    def side(self) -> int:
        return self.recipe.side

    def matte(self, frame: Bytes) -> Floats:
        """What the network itself says of its frame, uint8 (h, w, 3): float32 (h, w), 0..1."""
        assert self.recipe.normalisation is not None  # files without are refused
        return tensors.matte(
            self.run(tensors.normalise(frame, self.recipe.normalisation)), self.recipe
        )


@dataclass(frozen=True, slots=True)
class Host:
    """What runs a network. folder: where what is found out about networks is kept."""

    device: str
    threads: int
    limits: guard.Limits
    folder: Path


def opened(name: str, path: Path, wanted: Recipe, host: Host, *, is_tried: bool) -> Network:
    """ModelUnavailable says why the file cannot be run by this recipe on this host."""
    with (
        _named(name),
        guard.loading(path, wanted, host.device, host.limits, host.folder) as is_measured,
    ):
        opener = backends.openvino if host.device == "openvino" else backends.onnxruntime
        file = opener(path, host.device, host.threads, arena=name in KEEPING)
        bound = ports.bind(file, wanted, host.device)
        network = Network(name, bound.recipe, bound.run)
        if not is_tried:
            _try(network, path, host, is_measured=is_measured)
        if bound.several is not None and host.device == "cuda":
            network = _gathering(network, bound.several)
    return network


def _gathering(
    network: Network, several: Callable[[Sequence[Floats]], Sequence[Floats]]
) -> Network:
    """Pictures that wait for it share a run; on a processor, which is busy with one, none do."""

    def examine() -> None:
        recipe = network.recipe
        alone = probe.trial_of(probe.outputs(network.run, recipe), recipe)
        together = probe.trial_of(several(probe.inputs(recipe)), recipe)
        probe.require_alike(together, alone, "in one run")

    return replace(network, run=gather.Gatherer(network.run, several, examine).run)


class NotHalved(ModelUnavailable):
    """A network is not to be run in half precision; in float32 it may be."""

    code = "not_halved"


def halved(name: str, path: Path, wanted: Recipe, host: Host) -> Network:
    """In half precision, made from the float32 file at `path`; `path` itself where it is that.

    Both are tried on the same frames, once. NotHalved where half precision gives anything but
    nearly the same mattes, or cannot be had; ModelUnavailable where float32 cannot be run either.
    """
    if half.is_in(path):
        return opened(name, path, wanted, host, is_tried=False)
    half_name = f"{name.removesuffix('.onnx').removesuffix('-fp32')}-fp16"
    place = twins.place_of_half(path, host.folder, half_name)
    trial = [probe.VERSION, probe.ALIKE, ort.__version__, host.device, repr(wanted)]
    compared = notes.read(host.folder, COMPARED, place)
    if compared and compared["trial"] == trial and twins.is_of(path, place):
        if compared["verdict"]:
            raise NotHalved(compared["verdict"])
        return opened(half_name, place, wanted, host, is_tried=True)
    full = _examined(name, path, wanted, host)
    try:
        twins.halve(path, place)
        network = opened(half_name, place, wanted, host, is_tried=True)
        verdict = _difference(network, full)
    except ModelUnavailable as error:
        raise NotHalved(str(error)) from error
    notes.write(host.folder, COMPARED, place, {"trial": trial, "verdict": verdict})
    if verdict:
        raise NotHalved(verdict)
    return network


def _examined(name: str, path: Path, wanted: Recipe, host: Host) -> probe.Trial:
    """Of a network that does not stay: a card may not have the memory for another beside it."""
    network = opened(name, path, wanted, host, is_tried=True)
    with _named(name):
        return probe.examine(network.run, network.recipe)


def _difference(network: Network, full: probe.Trial) -> str:
    """How a network in half precision differs too much from itself in float32; "" if it doesn't."""
    with _named(network.name):
        raw = probe.outputs(network.run, network.recipe)
    try:
        probe.require_alike(probe.trial_of(raw, network.recipe), full, "in half precision")
    except ModelUnavailable as error:
        return f"{network.name}: {error}"
    return ""


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Has whatever is raised be ModelUnavailable, and name the network."""
    try:
        yield
    except ModelUnavailable as error:
        raise type(error)(f"{name}: {error}") from error
    except Exception as error:  # a runtime raises classes of its own, by the dozen
        raise guard.refusal(f"{name} could not be run: {error}") from error


def _try(network: Network, path: Path, host: Host, *, is_measured: bool) -> None:
    """Examine it, unless the same file passed here before: of a large one that takes a minute.

    is_measured: whether it is known what memory its runs take.
    """
    trial = [probe.VERSION, ort.__version__, host.device, repr(network.recipe)]
    if is_measured and notes.read(host.folder, PASSED, path) == trial:
        return
    began = time.monotonic()
    probe.examine(guard.in_time(network.run, host.limits), network.recipe)
    if host.device != "openvino" and time.monotonic() - began >= LONG_TRIAL:
        notes.write(host.folder, PASSED, path, trial)
