"""What Celery's workers do; each task is one more caller of a function that knows no Celery."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_init

from removal.execution import worker

# Acknowledged before it is begun: work whose process is killed is not done again, as by then
# nobody waits for it.
remove_background = shared_task(worker.perform, name="removal.remove_background")


@worker_process_init.connect  # type: ignore[untyped-decorator]
def prepare(**signal: Any) -> None:
    worker.start()
