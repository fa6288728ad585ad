"""What becomes of an engine's answer, wherever the engine ran."""

import logging
from collections.abc import Callable

from removal import engine, metrics

from . import wire

log = logging.getLogger(__name__)


class WorkFailed(Exception):
    """The engine met an error that nobody foresaw."""


def result_of(answer: wire.Answer, content: Callable[[], bytes]) -> engine.Result:
    """The result, whose bytes `content` fetches. Raises what the engine raised, or WorkFailed."""
    match answer:
        case wire.Done(media_type, facts, stages):
            metrics.count_stages(stages)
            return engine.Result(content(), media_type, facts)
        case wire.Failed(error):
            raise error
        case wire.Broken(detail):
            raise WorkFailed(detail)
