"""Batches with workers, step by step. In tests/queue/test_batches.py these are real processes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from billing.models import Hold
from removal import capacity, storage
from removal.batches import dispatcher, loop, register, runner
from removal.errors import SlowDown, UnreadableImage
from removal.execution import queue, tasks, worker
from removal.models import Batch, BatchPicture
from tests import pictures
from tests.api.conftest import new_caller
from tests.billing.conftest import any_database  # noqa: F401 (a fixture)
from tests.workers import with_workers  # noqa: F401 (a fixture)

from .conftest import BATCHES, get, stored, zip_of

pytestmark = pytest.mark.usefixtures("with_workers")


@pytest.fixture
def dispatching(monkeypatch: pytest.MonkeyPatch) -> dispatcher.Dispatcher:
    monkeypatch.setattr(loop, "IDLE_SECONDS", 0)
    return dispatcher.Dispatcher()


def collect(dispatching: dispatcher.Dispatcher) -> None:
    """Once to check, once for the answer."""
    dispatching.collect()
    dispatching.collect()


def is_free(caller: Any) -> bool:
    return caller.credits == 10 and not Hold.objects.filter(state=Hold.State.OPEN).exists()


@pytest.mark.django_db
def test_a_result_is_charged_once_and_served(alice, portrait, dispatching, tmp_path, monkeypatch):
    delivered, real = [], tasks.remove_background.apply_async

    def deliver(arguments, **options):
        delivered.append(arguments)
        return real(arguments, **options)

    monkeypatch.setattr(tasks.remove_background, "apply_async", deliver)
    batch = alice.post(BATCHES, image=portrait).json()
    dispatching.begin_next()
    assert alice.credits < 10  # held
    collect(dispatching)
    done = get(alice, f"{BATCHES}/{batch['id']}").json()
    assert (done["state"], done["creditsCharged"]) == ("done", float(10 - alice.credits))
    assert [name.rpartition("-")[2] for name in stored(tmp_path)] == ["result"]
    result = get(alice, f"{BATCHES}/{batch['id']}/pictures/1").getvalue()
    assert pictures.mode_and_size(result) == ("RGBA", (200, 240))
    assert BatchPicture.objects.get().size == len(result)
    worker.perform(*delivered[0])  # the broker delivers it once more
    collect(dispatching)
    dispatching.begin_next()
    assert len(delivered) == 1
    assert get(alice, f"{BATCHES}/{batch['id']}/pictures/1").getvalue() == result
    assert float(10 - alice.credits) == done["creditsCharged"]


@pytest.mark.django_db
def test_cancelled_between_answer_and_charge_is_free(alice, portrait, dispatching, tmp_path):
    batch = alice.post(BATCHES, image=portrait).json()
    dispatching.begin_next()
    register.cancel(Batch.objects.get())
    dispatching._look_at = float("inf")  # the answer is read before anybody looks
    collect(dispatching)
    assert is_free(alice)
    assert get(alice, f"{BATCHES}/{batch['id']}").json()["creditsCharged"] == 0
    register.sweep(timezone.now() + timedelta(hours=1))
    assert stored(tmp_path) == []


@pytest.mark.django_db
def test_an_answer_without_its_file_is_free_and_tried_again(alice, portrait, dispatching):
    alice.post(BATCHES, image=portrait)
    dispatching.begin_next()
    picture = BatchPicture.objects.get()
    storage.delete(register.result_names(picture)[0])
    collect(dispatching)
    picture.refresh_from_db()
    assert (picture.state, picture.attempts) == ("waiting", 1)
    assert is_free(alice)


@pytest.mark.django_db
def test_a_worker_s_error_is_the_picture_s(alice, portrait, dispatching, tmp_path):
    alice.post(BATCHES, image=pictures.portrait(1000, 1200)[:-9000])
    dispatching.begin_next()
    collect(dispatching)
    assert BatchPicture.objects.get().error_code == 1006
    assert is_free(alice)


@pytest.mark.django_db
def test_a_picture_that_cannot_be_enqueued_is_free(alice, portrait, dispatching, monkeypatch):
    alice.post(BATCHES, image=portrait)

    def away(*args, **options):
        raise OperationalError("The broker is away")

    monkeypatch.setattr(tasks.remove_background, "apply_async", away)
    dispatching.begin_next()
    assert BatchPicture.objects.get().state == "waiting"
    assert is_free(alice)


@pytest.mark.django_db
def test_one_account_s_pictures_at_work_leave_room_for_another_s(alice, portrait):
    many = capacity.shared().limits.per_account
    alice.post(BATCHES, zip=zip_of(**{f"n{number}__jpg": portrait for number in range(many + 1)}))
    at_work = [runner.steps_of(runner.claim()) for _ in range(many + 1)]
    for steps in at_work[:-1]:
        assert next(steps).goes_first is False  # a thousand pictures would keep payers waiting
    with pytest.raises(SlowDown):
        next(at_work[-1])
    bob = new_caller("bob@example.com", "10")
    bob.post(BATCHES, image=portrait)
    at_work.append(runner.steps_of(runner.claim()))
    assert next(at_work[-1]).queue == "batch"
    for steps in at_work:
        steps.close()
    assert is_free(alice)


@pytest.mark.django_db
def test_pictures_at_work_are_not_in_this_process_s_memory(alice, portrait):
    alice.post(BATCHES, image=portrait)
    steps = runner.steps_of(runner.claim())
    assert next(steps).data == b""
    steps.close()
    assert is_free(alice)


@pytest.mark.django_db
def test_a_late_worker_touches_no_other_attempt_s_result(alice, portrait, dispatching):
    """Its web process was killed; another one has charged for its own attempt."""
    batch = alice.post(BATCHES, image=portrait).json()
    steps = runner.steps_of(runner.claim())
    late = queue.Work(next(steps))
    BatchPicture.objects.update(due_at=timezone.now())
    dispatching.begin_next()
    collect(dispatching)
    result = get(alice, f"{BATCHES}/{batch['id']}/pictures/1").getvalue()
    storage.put(late._files.result, b"something else")
    late.__exit__()
    steps.close()
    assert get(alice, f"{BATCHES}/{batch['id']}/pictures/1").getvalue() == result


def test_pictures_that_end_at_once_end_their_batch(any_database, portrait, monkeypatch):  # noqa: F811
    alice = new_caller("alice@example.com", "10")
    batch = alice.post(BATCHES, zip=zip_of(a__jpg=portrait, b__jpg=portrait)).json()
    meeting, real = threading.Barrier(2), register.as_dict

    def as_dict(picture: BatchPicture) -> dict[str, Any]:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)  # for the other, if it can come so far
        return real(picture)

    def fail(picture: BatchPicture) -> None:
        try:
            runner.conclude(picture, partial(_raise, UnreadableImage("It is broken")))
        finally:
            connection.close()

    monkeypatch.setattr(register, "as_dict", as_dict)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(fail, [runner.claim(), runner.claim()]))
    monkeypatch.undo()
    assert get(alice, f"{BATCHES}/{batch['id']}").json()["state"] == "done"


def _raise(error: Exception) -> Any:
    raise error
