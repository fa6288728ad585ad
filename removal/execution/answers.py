"""Turns an engine's answer into a result or an exception."""

import logging
from collections.abc import Callable

from removal import engine, metrics

from . import wire

log = logging.getLogger(__name__)


class WorkFailed(Exception):
    """An unexpected error in the engine."""


def result_of(answer: wire.Answer, content: Callable[[], bytes]) -> engine.Result:
    """The result; `content` fetches its bytes. Raises the engine's error, or WorkFailed."""
    match answer:
        case wire.Done(media_type, facts, stages):
            metrics.count_stages(stages)
            return engine.Result(content(), media_type, facts)
        case wire.Failed(error):
            raise error
        case wire.Broken(detail):
            raise WorkFailed(detail)
