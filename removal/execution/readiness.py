"""Whether backgrounds can be removed right now, and if not, why."""

import logging
import threading
from dataclasses import dataclass

from django.conf import settings
from redis import RedisError

from removal.engine import ModelUnavailable
from removal.engine.networks import session
from removal.execution import mailbox

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    model: str | None
    device: str | None
    reasons: tuple[str, ...]


_state = State(None, None, ("The weights are not loaded yet.",))
_lock = threading.Lock()


def state() -> State:
    """Of this process or, where workers do the work, of those that live."""
    return _state if settings.REMOVAL_EXECUTION == "inline" else _of_workers()


def warm() -> State:
    """Load this process's network and run it once; remembered, so later calls cost nothing."""
    global _state
    with _lock:
        if _state.reasons:
            _state = _load()
    return _state


def warm_in_background() -> None:
    threading.Thread(target=warm, name="warm-up", daemon=True).start()


def _of_workers() -> State:
    try:
        workers = mailbox.workers()
    except RedisError:
        return State(None, None, ("Redis does not answer.",))
    if not workers:
        return State(None, None, ("No worker is alive: start one with `manage.py worker`.",))
    models, devices = ({worker[name] for worker in workers} for name in ("model", "device"))
    return State(", ".join(sorted(models)), ", ".join(sorted(devices)), ())


def _load() -> State:
    try:
        info = session.warm()
    except ModelUnavailable as error:
        log.error("The engine is not ready: %s", error)
        return State(None, None, (str(error),))
    log.info("The engine is ready: %s", info)
    return State(info.model, info.device, ())
