"""The networks in memory: chosen by settings and processor, loaded once a process, warmed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np

from .. import threads
from ..arrays import Bytes, Floats
from ..environment import Environment
from ..errors import ModelUnavailable
from . import backends, catalog, cpu, guard, ports, probe, recipes, tensors, weights
from .recipes import LicenceClass, Recipe
from .weights import own

Quality = Literal["fast", "best"]
Device = Literal["cpu", "cuda", "openvino"]
QUALITIES: tuple[Quality, ...] = ("best", "fast")
DEVICES: tuple[Device, ...] = ("cpu", "cuda", "openvino")
PRECISIONS = ("auto", "int8", "fp32")
# Builds that keep their memory between runs, which saves a tenth to a third of their time.
# isnet-fp32 would keep 280 MiB to save a twentieth; what larger ones would keep is not known.
KEEPING = frozenset({"isnet-int8", "u2netp-fp32"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose; each field is an environment variable."""

    model: str = "isnet"  # REMOVAL_MODEL
    quality: Quality = "best"  # REMOVAL_QUALITY
    build: str = "auto"  # REMOVAL_BUILD
    device: Device = "cpu"  # REMOVAL_DEVICE
    threads: int = 1  # REMOVAL_THREADS
    model_path: Path | None = None  # MODEL_PATH
    recipe_path: Path | None = None  # MODEL_RECIPE, for MODEL_PATH only
    normalisation: str = ""  # MODEL_NORMALISATION, for MODEL_PATH without a recipe's file
    limits: guard.Limits = field(default_factory=guard.Limits)

    @classmethod
    def from_environment(cls, values: Mapping[str, str] = os.environ) -> Settings:
        """ModelUnavailable names the variable and what it may be."""
        environment = Environment(values)
        path, recipe = environment.text("MODEL_PATH"), environment.text("MODEL_RECIPE")
        return cls(
            model=environment.choice("REMOVAL_MODEL", tuple(catalog.MODELS)),
            quality=cast(Quality, environment.choice("REMOVAL_QUALITY", QUALITIES)),
            build=environment.choice("REMOVAL_BUILD", PRECISIONS),
            device=cast(Device, environment.choice("REMOVAL_DEVICE", DEVICES)),
            threads=threads.count(environment),
            model_path=Path(path) if path else None,
            recipe_path=Path(recipe) if recipe else None,
            normalisation=environment.choice("MODEL_NORMALISATION", ("", *recipes.NORMALISATIONS)),
            limits=guard.Limits.from_environment(environment),
        )


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
        assert self.recipe.normalisation is not None  # _own refuses files without
        return tensors.matte(
            self.run(tensors.normalise(frame, self.recipe.normalisation)), self.recipe
        )


@dataclass(frozen=True, slots=True)
class Networks:
    """The network that draws the matte and, for quality `best`, the one that checks it."""

    main: Network
    second: Network | None
    info: EngineInfo


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What runs, for logs and /readyz."""

    model: str
    device: str
    quality: str
    threads: int

    def __str__(self) -> str:
        return f"{self.model} on {self.device}, quality {self.quality}, {self.threads} threads"


_lock = threading.Lock()
# By process. A child keeps its parent's entry: closing those sessions would wait for threads that
# it does not have.
_loaded: dict[int, Networks] = {}


def networks() -> Networks:
    """This process's networks, loaded on first use.

    A runtime's threads do not survive a fork, so a child loads its own. ModelUnavailable.
    """
    own = _loaded.get(os.getpid())
    if own is None:
        with _lock:
            own = _loaded.get(os.getpid()) or load(Settings.from_environment())
            _loaded[os.getpid()] = own
    return own


def warm() -> EngineInfo:
    """Load and run once, so that the first request does not pay for it. ModelUnavailable."""
    ready = networks()
    for network in filter(None, (ready.main, ready.second)):
        network.run(np.zeros((1, 3, network.side, network.side), np.float32))
    return ready.info


def load(settings: Settings) -> Networks:
    """Open what the settings ask for. ModelUnavailable says what is missing and what mends it."""
    second = None
    if settings.model_path:
        main = _own(settings, settings.model_path)
    else:
        main = _catalogued(f"{settings.model}-{_precision(settings)}", settings)
        if len(models_needed(settings)) > 1:
            second = _catalogued("u2netp-fp32", settings)
    names = " + ".join(network.name for network in (main, second) if network)
    info = EngineInfo(names, settings.device, settings.quality, settings.threads)
    return Networks(main, second, info)


def models_needed(settings: Settings) -> tuple[str, ...]:
    """The rows of the catalogue that these settings run: nothing else is to be fetched."""
    if settings.model_path:
        return ()
    if settings.model == "isnet" and settings.quality == "best":
        return "isnet", "u2netp"
    return (settings.model,)


def licence(settings: Settings) -> LicenceClass:
    """The strictest licence among the networks that these settings run. ModelUnavailable."""
    if settings.model_path:
        return _own_recipe(settings, settings.model_path).licence
    classes = get_args(LicenceClass)
    return max(
        (catalog.MODELS[name].recipe.licence for name in models_needed(settings)), key=classes.index
    )


def precision_for(flags: Set[str]) -> catalog.Precision:
    """The build that a processor runs faster; on known mattes both err alike."""
    return "int8" if cpu.has_fast_int8(flags) else "fp32"


def _precision(settings: Settings) -> str:
    if settings.model != "isnet" or settings.device == "cuda":
        return "fp32"
    if settings.build != "auto":
        return settings.build
    return precision_for(cpu.flags())


def _catalogued(build: str, settings: Settings) -> Network:
    model = catalog.MODELS[catalog.BUILDS[build].model]
    path = weights.path_of(build)
    return _opened(build, path, catalog.recipe_of(build), settings, is_tried=model.tried)


def _own(settings: Settings, path: Path) -> Network:
    """The operator's own file, by the recipe in MODEL_RECIPE or beside it."""
    if not path.is_file():
        raise ModelUnavailable(f"MODEL_PATH names {path}, which is not a file.")
    wanted, name = _own_recipe(settings, path), path.name
    if settings.device == "cpu":  # OpenVINO and graphics cards take half precision as it is
        path = own.for_processor(path, _folder(path))
    return _opened(name, path, wanted, settings, is_tried=False)


def _own_recipe(settings: Settings, path: Path) -> Recipe:
    beside = path.with_suffix(".json")
    place = settings.recipe_path or (beside if beside.is_file() else None)
    found = recipes.read(place) if place else Recipe()
    if settings.normalisation and found.normalisation:
        raise ModelUnavailable(f"Both MODEL_NORMALISATION and {place} say how colours enter.")
    if settings.normalisation:
        found = replace(found, normalisation=recipes.NORMALISATIONS[settings.normalisation])
    if found.normalisation is None:
        raise ModelUnavailable(
            f"Nothing says how colours enter {path.name}, which no trial can find out. Put "
            f'"normalisation": "imagenet" (or another) into {beside} or the file that MODEL_RECIPE '
            "names. docs/models.md has all fields."
        )
    return found


def _folder(path: Path) -> Path:
    """Where what is found out about networks is kept: with the weights, if there are any."""
    folder = weights.models_dir()
    return folder if folder.is_dir() else path.parent


def _opened(
    name: str, path: Path, wanted: Recipe, settings: Settings, *, is_tried: bool
) -> Network:
    """Opened, its recipe completed from the file and, unless it is known, tried."""
    try:
        with guard.loading(path, wanted, settings.device, settings.limits, _folder(path)):
            opener = backends.openvino if settings.device == "openvino" else backends.onnxruntime
            opened = opener(path, settings.device, settings.threads, arena=name in KEEPING)
            bound = ports.bind(opened, wanted, settings.device)
            network = Network(name, bound.recipe, bound.run)
            if not is_tried:
                probe.examine(guard.in_time(network.run, settings.limits), network.recipe)
    except ModelUnavailable as error:
        raise ModelUnavailable(f"{name}: {error}") from error
    except Exception as error:  # a runtime raises classes of its own, by the dozen
        raise ModelUnavailable(f"{name} could not be run: {error}") from error
    return network
