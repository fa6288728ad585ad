"""Messages between web tier and workers, in Redis.

done:ID     the answer, a list with one entry, for a blocking read
taken:ID    the worker that took the work
cancel:ID   the client does not wait any more
worker:NAME a worker is alive, with what it runs; `workers` lists the names
failed:NAME why a worker's engine does not start; `failures` lists the names
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from django.conf import settings

from removal.redis_connection import connect

BEAT_SECONDS = 1
SILENCE_SECONDS = 5  # after which a silent worker counts as dead
KEPT_SECONDS = 600  # longer than any work


def answer(work: str, message: str) -> None:
    with _redis().pipeline() as commands:
        commands.rpush(_key("done", work), message)
        commands.expire(_key("done", work), KEPT_SECONDS)
        commands.delete(_key("taken", work))
        commands.execute()


class Answered(NamedTuple):
    work: str
    message: str


def wait_for_answer(works: Sequence[str], seconds: float) -> Answered | None:
    """The first answer to any of these."""
    found = _redis().blpop([_key("done", work) for work in works], timeout=seconds)
    if found is None:
        return None
    key, message = cast(list[bytes], found)
    return Answered(key.decode().rpartition(":")[2], message.decode())


def cancel(work: str) -> None:
    with _redis().pipeline() as commands:
        commands.set(_key("cancel", work), 1, ex=KEPT_SECONDS)
        commands.delete(_key("taken", work))
        commands.execute()


def is_cancelled(work: str) -> bool:
    return bool(_redis().exists(_key("cancel", work)))


def take(work: str, worker: str) -> None:
    _redis().set(_key("taken", work), worker, ex=KEPT_SECONDS)


def is_lost(work: str) -> bool:
    """Whether the worker of this work is dead or, before one has taken it, all workers are."""
    worker = cast(bytes | None, _redis().get(_key("taken", work)))
    if worker is None:
        return not workers()
    return not _redis().exists(_key("worker", worker.decode()))


def report(worker: str, what: dict[str, Any]) -> None:
    """It can work, or will again."""
    _tell("workers", "worker", worker, what)


def report_failure(worker: str, reason: str) -> None:
    """It cannot work. Nobody is to wait for it, as if it were silent; /readyz gives the reason."""
    _tell("failures", "failed", worker, reason)


def workers() -> list[dict[str, Any]]:
    """What each living worker process reported."""
    return _told("workers", "worker")


def failures() -> list[str]:
    """Why worker processes cannot work, each reason once."""
    return sorted(set(_told("failures", "failed")))


def _tell(names: str, kind: str, worker: str, what: Any) -> None:
    with _redis().pipeline() as commands:
        commands.set(_key(kind, worker), json.dumps(what), ex=SILENCE_SECONDS)
        commands.sadd(_key(names), worker)
        commands.execute()


def _told(names: str, kind: str) -> list[Any]:
    """What was told within SILENCE_SECONDS; the names of silent ones are forgotten."""
    known = sorted(cast(set[bytes], _redis().smembers(_key(names))))
    if not known:
        return []
    reports = cast(list[bytes | None], _redis().mget([_key(kind, name.decode()) for name in known]))
    silent = [name for name, report in zip(known, reports, strict=True) if report is None]
    if silent:
        _redis().srem(_key(names), *silent)
    return [json.loads(report) for report in reports if report is not None]


def _key(*names: str) -> str:
    return f"{settings.REDIS_PREFIX}execution:{':'.join(names)}"


def _redis() -> Any:
    return connect(settings.REDIS_URL)
