"""A worker's part played in the process that enqueues: its task runs at once, with a real Redis."""

from typing import Any

import pytest

from pixian_site.celery import app
from removal.execution import mailbox, pool, worker


@pytest.fixture
def with_workers(settings: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REMOVAL_EXECUTION, settings.REDIS_URL = "queue", redis_url
    monkeypatch.setattr(worker, "_pool", pool.shared)
    monkeypatch.setattr(app.conf, "task_always_eager", True)
    mailbox.report("this process", {})
