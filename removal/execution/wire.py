"""Serialises options, facts and errors as JSON for other processes.

A value of one of the classes below becomes {its class: its fields}; a tuple becomes a list. Nothing
but these classes is ever made from what arrives.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from removal import engine
from removal.engine.hints import Scribble
from removal.engine.mending import Mending
from removal.engine.networks import session

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


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A process cannot work, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """Work on a picture of `length` bytes, which those of a background or cut-out may follow."""

    options: engine.Options
    header: engine.Header
    length: int
    mending: Mending | None = None


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
        case Warm(info, pace):
            return json.dumps({"warm": _dump(info), "pace": _dump(pace)})
        case Unavailable(reason):
            return json.dumps({"unavailable": reason})


def load_greeting(text: bytes) -> Greeting:
    match json.loads(text):
        case {"warm": info, "pace": pace}:
            return Warm(_load(info), _load(pace))
        case other:
            return Unavailable(str(other.get("unavailable")))


def dump_order(order: Order) -> str:
    mending = [] if order.mending is None else [_dump(order.mending)]  # older workers know none
    return json.dumps([dump_options(order.options), _dump(order.header), order.length, *mending])


def load_order(text: str | bytes) -> Order:
    options, header, length, *mending = json.loads(text)  # an older web tier sends three
    return Order(load_options(options), _load(header), length, *map(_load, mending))


def dump_options(options: engine.Options) -> Any:
    """The background's bytes stay behind; that there are some does not."""
    if options.background_image is not None:
        return _dump(replace(options, background_image=None)) | {"background_image": True}
    return _dump(options)


def load_options(data: dict[str, Any]) -> engine.Options:
    options: engine.Options = _load({"Options": data["Options"]})
    return replace(options, background_image=b"") if "background_image" in data else options


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
