"""The periodic jobs as Celery tasks, with their schedule."""

from pixian_site.celery import app
from pixian_site.maintenance import JOBS

for job in JOBS:
    app.task(job.run, name=f"maintenance.{job.name}")

app.conf.beat_schedule = {
    job.name: {
        "task": f"maintenance.{job.name}",
        "schedule": job.every_seconds,
        "options": {"expires": job.every_seconds},  # a job that waited longer has a successor
    }
    for job in JOBS
}
