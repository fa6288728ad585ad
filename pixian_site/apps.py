"""The site as a Django app: it holds the commands that start it."""

from django.apps import AppConfig
from django.conf import settings


class SiteConfig(AppConfig):
    name = "pixian_site"

    def ready(self) -> None:
        from . import gauges

        gauges.register()
        if settings.REMOVAL_EXECUTION == "queue":
            from . import celery  # noqa: F401 (configures the broker for tasks)
        if settings.SENTRY_DSN:
            from . import sentry

            sentry.start(settings.SENTRY_DSN)
