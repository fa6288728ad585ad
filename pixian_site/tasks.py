"""The periodic jobs as Celery tasks, with their schedule."""

from pixian_site.celery import app
from pixian_site.maintenance import CHORES

for chore in CHORES:
    app.task(chore.run, name=f"maintenance.{chore.name}")

app.conf.beat_schedule = {
    chore.name: {
        "task": f"maintenance.{chore.name}",
        "schedule": chore.every_seconds,
        "options": {"expires": chore.every_seconds},  # a job that waited longer has a successor
    }
    for chore in CHORES
}
