"""What a finished request gave and cost, and how that is stored beside its result."""

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from billing.models import Hold

from . import engine

FREE = Decimal("0.000")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished request. `hold` is the settled charge, to be marked as delivered; `replay_of` is
    the id of the original request if this one only repeats it. `options.model` names the network
    that did it."""

    result: engine.Result
    options: engine.Options
    credits_charged: Decimal = FREE
    credits_calculated: Decimal | None = None
    credits_remaining: Decimal | None = None
    hold: Hold | None = None
    replay_of: str = ""


def as_json(outcome: Outcome) -> dict[str, Any]:
    calculated, remaining = outcome.credits_calculated, outcome.credits_remaining
    return {
        "media_type": outcome.result.media_type,
        "facts": asdict(outcome.result.facts),
        "model": outcome.options.model,
        "charged": str(outcome.credits_charged),
        "calculated": None if calculated is None else str(calculated),
        "remaining": None if remaining is None else str(remaining),
    }


def from_json(
    kept: dict[str, Any],
    content: bytes,
    options: engine.Options,
    hold: Hold | None,
    request_id: str,
) -> Outcome:
    """The stored outcome of the request `request_id`."""
    facts: dict[str, Any] = {
        name: engine.Box(**value) if isinstance(value, dict)
        else tuple(value) if isinstance(value, list)
        else value
        for name, value in kept["facts"].items()
    }  # fmt: skip
    result = engine.Result(content, kept["media_type"], engine.Facts(**facts))
    options = replace(options, model=kept.get("model", ""))
    charged, calculated, remaining = (
        None if kept[name] is None else Decimal(kept[name])
        for name in ("charged", "calculated", "remaining")
    )
    return Outcome(result, options, charged or FREE, calculated, remaining, hold, request_id)
