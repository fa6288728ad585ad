"""What the log says of pictures that workers are to work on."""

import time

import pytest
import structlog

from removal import engine
from removal.errors import EngineUnavailable
from removal.execution import Job, answers, mailbox, queue, tasks, wire
from tests import pictures

pytestmark = pytest.mark.django_db


def job() -> Job:
    data = pictures.blank()
    deadline = time.monotonic() + 60
    return Job(data, engine.inspect(data), engine.Options(), deadline, lambda: False)


@pytest.fixture
def full(settings, tmp_path):
    backend = {"BACKEND": "tests.storage.full.FullFolder", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": backend}


def test_a_threads_next_lines_do_not_name_the_work_that_is_over(full):
    """Threads of batches work on one picture after another, each of them other work."""
    with pytest.raises(EngineUnavailable):
        queue.run(job())
    assert "work" not in structlog.contextvars.get_contextvars()


def test_a_fault_in_a_worker_names_the_work_under_which_its_log_has_it(
    settings, tmp_path, redis_url, monkeypatch
):
    settings.MEDIA_ROOT, settings.REDIS_URL = tmp_path, redis_url

    def fail(arguments, **options):
        mailbox.answer(arguments[0], wire.dump_answer(wire.Broken("KeyError('x')")))

    monkeypatch.setattr(tasks.remove_background, "apply_async", fail)
    with pytest.raises(answers.WorkFailed) as raised:
        queue.run(job())
    assert "worker's log" in raised.value.__notes__[0]
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
