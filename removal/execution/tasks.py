"""The Celery tasks; each calls a function that does not depend on Celery."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_init

from removal.execution import worker

# Acknowledged before it starts: after a killed process the work is not repeated, as nobody waits
# for it any more.
remove_background = shared_task(worker.perform, name="removal.remove_background")


@worker_process_init.connect  # type: ignore[untyped-decorator]
def prepare(**signal: Any) -> None:
    worker.start()
