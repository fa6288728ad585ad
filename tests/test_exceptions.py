"""Exceptions of ours travel whole: between processes, and as copies."""

import copy
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from multiprocessing import get_context

import pytest

from billing.models import StripeEvent
from removal import engine

from .engine import hostile

OURS = ("accounts", "billing", "pixian_site", "removal")
NOT_IMPORTED = ("__main__", ".migrations.", ".settings", ".asgi", ".wsgi")
# By the annotation of a constructor's parameter.
GIVEN = {
    "str": "<&> a sentence",
    "int": 7,
    "bool": True,
    "int | None": 1106,
    "tuple[int, int]": (3, 4),
    "list[str]": ["GET", "POST"],
    "datetime.date": date(2026, 1, 2),
    "datetime.timedelta": timedelta(seconds=90),
    "decimal.Decimal": Decimal("1.250"),
    "billing.models.StripeEvent": StripeEvent(event_id="evt_1", type="charge.refunded"),
}


def exceptions() -> list[type[BaseException]]:
    for root in OURS:
        package = importlib.import_module(root)
        for module in pkgutil.walk_packages(package.__path__, root + "."):
            if not any(part in module.name + "." for part in NOT_IMPORTED):
                importlib.import_module(module.name)
    ours = {kind for kind in subclasses(BaseException) if is_ours(kind)}
    return sorted(filter(is_named, ours), key=name_of)


def is_ours(kind: type) -> bool:
    return kind.__module__.split(".")[0] in OURS


def is_named(kind: type) -> bool:
    """Django gives each model exceptions of its own, which are its to pickle."""
    return kind.__qualname__ == kind.__name__


def name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def subclasses(kind: type) -> Iterator[type]:
    child: type
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def made(kind: type[BaseException]) -> BaseException:
    if not any("__init__" in vars(base) for base in kind.__mro__ if is_ours(base)):
        return kind("a sentence")
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    given = {each.name: GIVEN[inspect.formatannotation(each.annotation)] for each in parameters}
    return kind(**given)


@pytest.mark.parametrize("kind", exceptions(), ids=name_of)
def test_every_exception_comes_back_as_it_was(kind):
    error = made(kind)

    pickled = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(6)]

    for back in (*pickled, copy.copy(error)):
        assert type(back) is kind
        assert (str(back), back.args, vars(back)) == (str(error), error.args, vars(error))


def test_a_picture_that_is_too_large_does_not_break_a_pool_of_processes():
    data = hostile.png(100_000, 100_000)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(engine.TooManyPixels, match="10,000,000,000 pixels") as first:
            pool.submit(engine.inspect, data).result()
        assert pool.submit(engine.inspect, hostile.png(3, 2)).result().size == (3, 2)
    assert first.value.limit == 32_000_000
