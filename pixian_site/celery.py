"""The Celery app, which sends work to workers if REMOVAL_EXECUTION=queue.

    celery -A pixian_site worker --queues interactive --concurrency N     single pictures
    celery -A pixian_site worker --queues batch --concurrency N           pictures of batches
    celery -A pixian_site worker --queues maintenance --concurrency 1     periodic jobs
    celery -A pixian_site beat                                            their schedule

`manage.py worker` runs all of them.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
ANSWER_SECONDS = 5

app = Celery(
    "pixian_site",
    broker=settings.REDIS_URL,
    include=["removal.execution.tasks", "pixian_site.tasks"],
)
app.conf.update(
    task_ignore_result=True,  # callers wait on a Redis key of their own instead
    task_routes={
        "removal.*": {"queue": "interactive"},
        "maintenance.*": {"queue": "maintenance"},
    },
    # A worker prefetches nothing: waiting jobs stay where any other worker can take them.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    # A busy machine takes longer to fork than the four seconds that Celery gives a new process.
    worker_proc_alive_timeout=60,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "global_keyprefix": settings.REDIS_PREFIX,
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": ANSWER_SECONDS,
    },
    beat_schedule_filename=str(settings.DATA_DIR / "beat-schedule"),
)
