"""Whether backgrounds can be removed right now, and if not, why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from redis import RedisError

from . import mailbox, pool

STARTING = "The engine is starting: its networks are not loaded yet."
STUCK = (
    "A slot is stuck ({stuck} of {slots}): a picture takes far longer than it should. It will be "
    "killed, and the slot recovers by itself."
)


@dataclass(frozen=True, slots=True)
class State:
    """`reasons` say why nothing can be done; `warnings` what is wrong although something can."""

    model: str | None
    device: str | None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    stuck: int = 0  # slots


def state() -> State:
    """Of this process's engine processes or, where workers do the work, of those that live."""
    if settings.REMOVAL_EXECUTION == "inline":
        return _of_slots(pool.shared().slots)
    return _of_workers()


def _of_slots(slots: Sequence[pool.Slot]) -> State:
    states = [slot.state for slot in slots]
    up = [warm.info for slot in slots if slot.state == "up" and (warm := slot.warm)]
    failures = tuple(sorted({slot.reason for slot in slots} - {""}))
    return _state(((one.model, one.device) for one in up), states, failures)


def _of_workers() -> State:
    try:
        workers, failures = mailbox.workers(), tuple(mailbox.failures())
    except RedisError:
        return State(None, None, ("Redis does not answer.",))
    if not workers and not failures:
        return State(None, None, ("No worker is alive: start one with `manage.py worker`.",))
    up = ((one["model"], one["device"]) for one in workers if one["state"] == "up")
    return _state(up, [worker["state"] for worker in workers], failures)


def _state(
    models_and_devices: Iterable[tuple[str, str]],
    states: Sequence[str],
    failures: tuple[str, ...] = (),
) -> State:
    """models_and_devices: of the slots that can work; states: of all; failures: why some can't."""
    stuck, up = states.count("stuck"), list(models_and_devices)
    warnings: tuple[str, ...] = (STUCK.format(stuck=stuck, slots=len(states)),) if stuck else ()
    if not up:
        return State(None, None, warnings or failures or (STARTING,), warnings, stuck)
    warnings += failures
    models, devices = (", ".join(sorted(set(names))) for names in zip(*up, strict=True))
    return State(models, devices, (), warnings, stuck)
