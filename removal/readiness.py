"""Whether this process can remove backgrounds right now, and if not, why."""

import logging
import threading
from dataclasses import dataclass

from removal.engine import ModelUnavailable, session

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    model: str | None
    device: str | None
    reasons: tuple[str, ...]


_state = State(None, None, ("The weights are not loaded yet.",))
_lock = threading.Lock()


def state() -> State:
    return _state


def warm() -> State:
    """Load the network and run it once; remembered, so that later calls cost nothing."""
    global _state
    with _lock:
        if _state.reasons:
            _state = _load()
    return _state


def warm_in_background() -> None:
    threading.Thread(target=warm, name="warm-up", daemon=True).start()


def _load() -> State:
    try:
        description = session.warm()
    except ModelUnavailable as error:
        log.error("The engine is not ready: %s", error)
        return State(None, None, (str(error),))
    log.info("The engine is ready: %s", description)
    return State(description.model, description.device, ())
