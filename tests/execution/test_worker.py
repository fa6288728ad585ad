"""Both halves of the queue in one process: what is passed on, answered, cancelled and deleted."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.signals import worker_process_init
from PIL import Image

from pixian_site.celery import app
from removal import engine
from removal.errors import ClientGone, TookTooLong
from removal.execution import Job, blobs, mailbox, pool, queue, tasks, wire, worker
from tests import pictures
from tests.workers import with_workers  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_workers")]
SECONDS = 60


def job(
    options: engine.Options = engine.Options(),  # noqa: B008 (immutable)
    seconds: float = SECONDS,
    disconnected: Callable[[], bool] = lambda: False,
    **more: Any,
) -> Job:
    data = pictures.portrait()
    deadline = time.monotonic() + seconds
    return Job(data, engine.inspect(data), options, deadline, disconnected, **more)


def order() -> str:
    return wire.dump_order(wire.Order.of(job()))


def answer_to(work: str) -> wire.Answer:
    answered = mailbox.wait_for_answer([work], 1)
    assert answered is not None
    return wire.load_answer(answered.message)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """What was enqueued; nobody takes it."""
    found: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(
        tasks.remove_background,
        "apply_async",
        lambda arguments, **options: found.append((arguments, options)),
    )
    return found


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_pictures_travel_both_ways_and_nothing_stays(folder):
    blue = pictures.encoded(Image.new("RGB", (300, 300), (0, 0, 255)))
    result = queue.run(job(engine.Options(output_format="png"), beside=blue))
    assert tuple(pictures.pixels(result.content)[0, 0]) == (0, 0, 255)
    assert files(folder) == []


def test_a_task_ends_with_its_request_and_waits_in_its_own_queue(enqueued):
    with queue.Work(job(queue="batch")) as work:
        work.begin()
    (((name, _, seconds), options),) = enqueued
    assert name == work.id
    assert options["queue"] == "batch"
    assert 0 < options["expires"] == seconds <= SECONDS
    assert options["time_limit"] == seconds + queue.LATE_SECONDS


def test_who_hangs_up_or_waited_too_long_cancels(enqueued, folder):
    with pytest.raises(ClientGone):
        queue.run(job(disconnected=lambda: True))
    with pytest.raises(TookTooLong):
        queue.run(job(seconds=0.5))
    assert len(enqueued) == 2
    assert all(mailbox.is_cancelled(arguments[0]) for arguments, _ in enqueued)
    assert files(folder) == []


def test_the_answer_of_a_worker_that_died_afterwards_counts(enqueued):
    with queue.Work(job()) as work:
        work.begin()
        mailbox.answer(work.id, "its answer")
        mailbox.take(work.id, "a dead one")
        answered = work.look()
    assert answered is not None
    assert answered.message == "its answer"


def test_what_nobody_waits_for_is_not_begun(monkeypatch):
    monkeypatch.setattr(pool.Pool, "run", None)
    mailbox.cancel("given up")
    worker.perform("given up", order(), SECONDS)
    answer = answer_to("given up")
    assert isinstance(answer, wire.Failed)
    assert answer.error.code == ClientGone.code


def test_a_result_for_which_nobody_waits_any_more_is_deleted(monkeypatch, folder):
    blobs.put(blobs.files_of("late").picture, pictures.portrait())
    real = mailbox.answer

    def answer(work: str, message: str) -> None:
        mailbox.cancel(work)
        real(work, message)

    monkeypatch.setattr(mailbox, "answer", answer)
    worker.perform("late", order(), SECONDS)
    assert isinstance(answer_to("late"), wire.Done)
    assert files(folder) == ["late-picture"]  # which is not the worker's


def test_a_fault_of_ours_is_answered_too(monkeypatch, caplog):
    monkeypatch.setattr(pool.Pool, "run", lambda *arguments: {}["x"])
    blobs.put(blobs.files_of("faulty").picture, pictures.portrait())
    worker.perform("faulty", order(), SECONDS)
    assert answer_to("faulty") == wire.Broken("KeyError('x')")
    assert "Traceback" in caplog.text


def test_a_worker_asks_again_whether_it_is_cancelled(monkeypatch):
    monkeypatch.setattr(worker, "ASK_SECONDS", 0)
    cancelled = worker.Cancelled("asked twice")
    assert not cancelled()
    mailbox.cancel("asked twice")
    assert cancelled()


def test_the_task_is_known_by_its_name_not_repeated_and_each_process_prepared():
    """Workers and web processes that are being replaced know each other by that name."""
    assert app.tasks["removal.remove_background"].name == tasks.remove_background.name
    assert not tasks.remove_background.acks_late  # nobody waits for the work of a killed process
    prepared = [receiver() for _, receiver in worker_process_init.receivers]
    assert tasks.prepare in prepared
