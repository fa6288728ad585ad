"""The networks in memory: chosen by settings and processor, loaded once a process, warmed."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np

from .. import memory, threads
from ..environment import Environment
from ..errors import InvalidOption, ModelUnavailable
from . import (
    catalog,
    cpu,
    gather,
    guard,
    half,
    opening,
    ram,
    recipes,
    together,
    weights,
)
from .opening import Host, Network
from .recipes import LicenceClass, Recipe
from .together import Share
from .weights import twins

log = logging.getLogger(__name__)
Quality = Literal["fast", "best"]
Device = Literal["cpu", "cuda", "openvino"]
QUALITIES: tuple[Quality, ...] = ("best", "fast")
DEVICES: tuple[Device, ...] = ("cpu", "cuda", "openvino")
PRECISIONS = ("auto", "int8", "fp32", "fp16")
CHECKING = "u2netp"  # the second network of quality `best`
PICTURE_MIB = 700  # that one of 32 megapixels takes beside the networks, and a little more
OWN = "own"  # the name of the operator's own file, among those of the catalogue


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose; each field is an environment variable."""

    model: str = "isnet"  # the first of REMOVAL_MODELS, or REMOVAL_MODEL
    quality: Quality = "best"  # REMOVAL_QUALITY
    build: str = "auto"  # REMOVAL_BUILD
    device: Device = "cpu"  # REMOVAL_DEVICE
    threads: int = 1  # REMOVAL_THREADS
    model_path: Path | None = None  # MODEL_PATH
    recipe_path: Path | None = None  # MODEL_RECIPE, for MODEL_PATH only
    normalisation: str = ""  # MODEL_NORMALISATION, for MODEL_PATH without a recipe's file
    limits: guard.Limits = field(default_factory=guard.Limits)
    further: tuple[str, ...] = ()  # the others of REMOVAL_MODELS
    loaded: int = 0  # REMOVAL_MODELS_LOADED: in a process's memory at once; 0: all that fit

    @classmethod
    def from_environment(cls, values: Mapping[str, str] = os.environ) -> Settings:
        """ModelUnavailable names the variable and what it may be."""
        environment = Environment(values)
        path, recipe = environment.text("MODEL_PATH"), environment.text("MODEL_RECIPE")
        known = tuple(catalog.MODELS)
        names = environment.choices("REMOVAL_MODELS", known)
        first = environment.choice("REMOVAL_MODEL", known) if path or not names else names[0]
        return cls(
            model=first,
            quality=cast(Quality, environment.choice("REMOVAL_QUALITY", QUALITIES)),
            build=environment.choice("REMOVAL_BUILD", PRECISIONS),
            device=cast(Device, environment.choice("REMOVAL_DEVICE", DEVICES)),
            threads=threads.count(environment),
            model_path=Path(path) if path else None,
            recipe_path=Path(recipe) if recipe else None,
            normalisation=environment.choice("MODEL_NORMALISATION", ("", *recipes.NORMALISATIONS)),
            limits=guard.Limits.from_environment(environment),
            further=names if path else names[1:],
            loaded=environment.whole("REMOVAL_MODELS_LOADED"),
        )

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of all networks that a request may ask for, the default first."""
        return (OWN if self.model_path else self.model, *self.further)

    def only(self, model: str) -> Settings:
        """Those of one network. InvalidOption if there is none of that name."""
        if model == self.offered[0]:
            return replace(self, further=())
        if model not in catalog.MODELS:
            raise InvalidOption("model", model, ", ".join(catalog.MODELS))
        return replace(
            self, model=model, further=(), model_path=None, recipe_path=None, normalisation=""
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


class Loaded:
    """What a process has in memory, by name; the least recently used leave for others.

    ModelUnavailable where those that may stay together never fit.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if len(settings.offered) > 1:
            shares = {name: _shares(settings.only(name)) for name in settings.offered}
            most = together.largest(shares, settings.loaded or 1)
            guard.require_room(most, self._needed(most), settings.limits)
        self._by_name: OrderedDict[str, Networks] = OrderedDict()  # the last used one last
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def get(self, model: str) -> Networks:
        """Those of that name, loaded if need be. InvalidOption, ModelUnavailable."""
        name = model or self._settings.offered[0]
        with self._lock:
            if name not in self._by_name:
                self._by_name[name] = self._load(self._settings.only(name))
            self._by_name.move_to_end(name)
            return self._by_name[name]

    def _load(self, settings: Settings) -> Networks:
        while self._by_name and self._is_full_for(settings.offered[0]):
            self._forget_oldest()
        while True:
            try:
                return load(settings)
            except guard.MemoryInUse:
                if not self._by_name:
                    raise
                self._forget_oldest()

    def _is_full_for(self, name: str) -> bool:
        """Whether one has to leave before this one is loaded."""
        if self._settings.loaded:
            return len(self._by_name) >= self._settings.loaded
        needed, processes = self._needed((*self._by_name, name)), self._settings.limits.processes
        return bool(guard.lacking(needed, processes, ram.read()))

    def _needed(self, names: Sequence[str]) -> int:
        """MiB of a process that has them in memory."""
        return together.needed(
            [one for name in names for one in _shares(self._settings.only(name))]
        )

    def _forget_oldest(self) -> None:
        self._by_name.popitem(last=False)
        memory.trim()


_lock = threading.Lock()
# By process. A child keeps its parent's entry: closing those sessions would wait for threads that
# it does not have.
_loaded: dict[int, Loaded] = {}


def networks(model: str = "") -> Networks:
    """This process's networks of that name, by default the settings' first; loaded on first use.

    A runtime's threads do not survive a fork, so a child loads its own. ModelUnavailable, and
    InvalidOption for a name that the catalogue lacks.
    """
    return _own_loaded().get(model)


def loaded() -> tuple[str, ...]:
    """The names of those that this process has in memory."""
    return _own_loaded().names


def _own_loaded() -> Loaded:
    own = _loaded.get(os.getpid())
    if own is None:
        with _lock:
            own = _loaded.get(os.getpid()) or Loaded(Settings.from_environment())
            _loaded[os.getpid()] = own
    return own


def warm(model: str = "") -> EngineInfo:
    """Load and run once, so that the first request does not pay for it. ModelUnavailable."""
    ready = networks(model)
    for network in filter(None, (ready.main, ready.second)):
        network.run(np.zeros((1, 3, network.side, network.side), np.float32))
    return ready.info


def pictures_at_once() -> int:
    """How many a process best works on at once, in threads; the networks serve many threads.

    On a graphics card several: they share its runs, and the processor reads and writes the others
    meanwhile. As many as there are cores and, for each, memory. A processor is busy with one.
    """
    try:
        device = Settings.from_environment().device
    except ModelUnavailable:
        return 1  # the first picture says what is wrong
    if device != "cuda":
        return 1
    memory = ram.read()
    fitting = memory.free // PICTURE_MIB if memory else 1
    return max(1, min(gather.MOST, threads.available_cores(), fitting))


def load(settings: Settings) -> Networks:
    """Open the first that is offered. ModelUnavailable says what is missing and what mends it."""
    if settings.build == "fp16" and settings.device != "cuda":
        raise ModelUnavailable(
            f"REMOVAL_BUILD=fp16 goes with REMOVAL_DEVICE=cuda, not {settings.device}: no "
            "processor runs half precision well. Set REMOVAL_BUILD=auto."
        )
    others: list[Network] = []
    if settings.model_path:
        main = _own(settings, settings.model_path)
    else:
        main, *others = [_catalogued(build, settings) for build in _builds(settings)]
    second = others[0] if others else None
    names = " + ".join(network.name for network in (main, second) if network)
    info = EngineInfo(names, settings.device, settings.quality, settings.threads)
    return Networks(main, second, info)


def _builds(settings: Settings) -> list[str]:
    """Of the first that is offered: that which draws the matte, and that which checks it."""
    checks = [f"{CHECKING}-fp32"] if _is_checked(settings.model, settings) else []
    return [f"{settings.model}-{_precision(settings)}", *checks]


def _shares(settings: Settings) -> list[Share]:
    """What the first that is offered takes of this machine's memory. ModelUnavailable."""
    if settings.device == "cuda":
        return []
    if path := settings.model_path:
        if not path.is_file():
            return []  # opening it will say so
        recipe, folder = _own_recipe(settings, path), _folder(path)
        return [_share(path.name, twins.place_of(path, folder), recipe, folder)]
    return [
        _share(build, weights.place_of(build), catalog.recipe_of(build), weights.models_dir())
        for build in _builds(settings)
    ]


def _share(name: str, path: Path, recipe: Recipe, folder: Path) -> Share:
    size = path.stat().st_size if path.is_file() else 0
    return Share(guard.expected(path, recipe, folder), size, keeps=name in opening.KEEPING)


def models_needed(settings: Settings) -> tuple[str, ...]:
    """The rows of the catalogue that these settings run: nothing else is to be fetched."""
    offered = [name for name in settings.offered if name != OWN]
    checks = [CHECKING] if any(_is_checked(name, settings) for name in offered) else []
    return tuple(dict.fromkeys([*offered, *checks]))


def _is_checked(model: str, settings: Settings) -> bool:
    """Whether a second network checks this one's mattes."""
    return model == catalog.DEFAULT and settings.quality == "best"


def licence(settings: Settings) -> LicenceClass:
    """The strictest licence among the networks that these settings run. ModelUnavailable."""
    found = [catalog.MODELS[name].recipe.licence for name in models_needed(settings)]
    if settings.model_path:
        found.append(_own_recipe(settings, settings.model_path).licence)
    return max(found, key=get_args(LicenceClass).index)


def precision_for(flags: Set[str]) -> catalog.Precision:
    """The build that a processor runs faster; on known mattes both err alike."""
    return "int8" if cpu.has_fast_int8(flags) else "fp32"


def _precision(settings: Settings) -> str:
    """Of the build's file; a graphics card makes half precision of it (`_opened`)."""
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
    if settings.build == "fp16" and not wanted.fp16 and not half.is_in(path):
        raise ModelUnavailable(
            f"REMOVAL_BUILD=fp16, but {name} is in float32, and its recipe does not say that half "
            'precision suits it. Put "fp16": true into its recipe, or set REMOVAL_BUILD=auto.'
        )
    if settings.device == "cpu":  # OpenVINO and graphics cards take half precision as it is
        path = twins.for_processor(path, _folder(path))
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
    """On a graphics card in half precision, where the recipe allows that and it errs little."""
    host = Host(settings.device, settings.threads, settings.limits, _folder(path))
    if wanted.fp16 and settings.device == "cuda" and settings.build in ("auto", "fp16"):
        try:
            return opening.halved(name, path, wanted, host)
        except opening.NotHalved as error:
            if settings.build == "fp16":
                raise
            log.warning("%s is run in float32: %s", name, error)
    return opening.opened(name, path, wanted, host, is_tried=is_tried)
