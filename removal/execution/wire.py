"""Serialises options, facts and errors as JSON for other processes.

A value of one of the classes below becomes {its class: its fields}; a tuple becomes a list. Nothing
but these classes is ever made from what arrives.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from removal import engine
from removal.engine.hints import Scribble
from removal.engine.mending import Mending
from removal.engine.networks import session

from .job import Job
from .pace import Pace

if TYPE_CHECKING:
    from removal.errors import RemovalError

VALUES: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        engine.Options, engine.Length, engine.Margin, engine.Region, engine.Facts, engine.Box,
        engine.Header, engine.Hints, engine.Stroke, session.EngineInfo, Pace, Mending, Scribble,
    )
}  # fmt: skip
CANCEL = b"cancel"  # instead of an order: the current picture is no longer needed


@dataclass(frozen=True, slots=True)
class Warm:
    """A process is ready to work."""

    info: session.EngineInfo
    pace: Pace
    loaded: tuple[str, ...] = ()  # the networks in its memory: the default


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A process cannot work, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """Work on a picture of `length` bytes. Of another file beside it, a background or a cut-out,
    the bytes follow."""

    options: engine.Options
    header: engine.Header
    length: int
    has_beside: bool
    max_result_pixels: int
    mending: Mending | None = None

    @classmethod
    def of(cls, job: Job) -> "Order":
        return cls(
            job.options,
            job.header,
            len(job.data),
            bool(job.beside),
            job.max_result_pixels,
            job.mending,
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """The networks that an order needs are in memory, and its work begins. An answer follows.

    loaded: all that the process has in memory. seconds: of a run of those that it needs, where they
    were loaded since the process's start.
    """

    loaded: tuple[str, ...]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done; the result's bytes are stored."""

    media_type: str
    facts: engine.Facts
    stages: dict[str, float]  # seconds of each


@dataclass(frozen=True, slots=True)
class Failed:
    """The work ended with a public error."""

    error: "engine.EngineError | RemovalError"


@dataclass(frozen=True, slots=True)
class Broken:
    """The work ended with an unexpected error."""

    detail: str


Greeting = Warm | Unavailable
Answer = Done | Failed | Broken


def dump_greeting(greeting: Greeting) -> str:
    match greeting:
        case Warm(info, pace, loaded):
            return json.dumps({"warm": _dump(info), "pace": _dump(pace), "loaded": loaded})
        case Unavailable(reason):
            return json.dumps({"unavailable": reason})


def load_greeting(text: bytes) -> Greeting:
    match json.loads(text):
        case {"warm": info, "pace": pace, "loaded": loaded}:
            return Warm(_load(info), _load(pace), tuple(loaded))
        case other:
            return Unavailable(str(other.get("unavailable")))


def dump_order(order: Order) -> str:
    return json.dumps({field.name: _dump(getattr(order, field.name)) for field in fields(order)})


def load_order(text: str | bytes) -> Order:
    """Raises EngineUnavailable for one of another version, in a rolling upgrade."""
    try:
        return Order(**{name: _load(value) for name, value in json.loads(text).items()})
    except (AttributeError, TypeError) as error:
        from removal.errors import EngineUnavailable  # engine processes get none of another version

        raise EngineUnavailable(detail=f"An order of another version: {error!r}") from error


def dump_begun(begun: Begun) -> str:
    return json.dumps({"begun": begun.loaded, "seconds": begun.seconds})


def load_begun(text: str | bytes) -> Begun | None:
    """None where it is an answer."""
    match json.loads(text):
        case {"begun": loaded, "seconds": seconds}:
            return Begun(tuple(loaded), seconds)
        case _:
            return None


def dump_answer(answer: Answer) -> str:
    match answer:
        case Done(media_type, facts, stages):
            return json.dumps({"done": media_type, "facts": _dump(facts), "stages": stages})
        case Failed(error):
            state = _dump(tuple(vars(error).items()))
            return json.dumps({"failed": error.code, "says": error.message, "state": state})
        case Broken(detail):
            return json.dumps({"broken": detail})


def load_answer(text: str | bytes) -> Answer:
    match json.loads(text):
        case {"done": media_type, "facts": facts, "stages": stages}:
            return Done(media_type, _load(facts), stages)
        case {"failed": code, "says": sentence, "state": state}:
            return Failed(_error(code, sentence, state))
        case other:
            return Broken(str(other.get("broken")))


def _dump(value: Any) -> Any:
    if is_dataclass(value):
        named = {field.name: _dump(getattr(value, field.name)) for field in fields(value)}
        return {type(value).__name__: named}
    if isinstance(value, Decimal):
        return {"Decimal": str(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, tuple):
        return [_dump(item) for item in value]
    return value


def _load(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_load(item) for item in data)
    if not isinstance(data, dict):
        return data
    ((name, content),) = data.items()
    if name == "Decimal":
        return Decimal(content)
    if name == "bytes":
        return base64.b64decode(content)
    return VALUES[name](**{field: _load(item) for field, item in content.items()})


def _error(code: str | int, sentence: str, state: Any) -> "engine.EngineError | RemovalError":
    """An error as it was raised: constructors only make sentences, and that one is made.

    A worker of another version, while one takes the place of the other, may have errors of its own:
    the request can be sent again once all are of one version.
    """
    from removal.errors import EngineUnavailable  # engine processes, which read no answers, lack it

    kind = _error_kinds().get(code)
    if kind is None:
        return EngineUnavailable(detail=f"A worker ended with the unknown error {code}: {sentence}")
    error = kind.__new__(kind, sentence)
    error.args = (sentence,)
    vars(error).update(_load(state))
    return error


def _error_kinds() -> "dict[str | int, type[engine.EngineError] | type[RemovalError]]":
    """By code; of the API's, which may share one, that which was defined first."""
    from removal.errors import RemovalError

    kinds = [*_descendants(engine.EngineError), *_descendants(RemovalError)]
    return {kind.code: kind for kind in reversed(kinds)}


def _descendants(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)
