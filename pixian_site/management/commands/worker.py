"""`manage.py worker`: processes pictures that the web tier enqueues, and runs periodic jobs."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from pixian_site import backup
from removal.engine import ModelUnavailable
from removal.engine.networks import weights
from removal.engine.networks.session import Settings as EngineSettings
from removal.engine.networks.session import models_needed
from removal.engine.networks.weights.progress import show_progress

QUEUES = "interactive,batch,maintenance"


class Command(BaseCommand):
    help = "Process pictures that the web tier enqueues (REMOVAL_EXECUTION=queue)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency", type=int, default=settings.REMOVAL_SLOTS,
            help="processes, each with a network of its own (default: REMOVAL_SLOTS)",
        )  # fmt: skip
        parser.add_argument(
            "--queues",
            default=QUEUES,
            help=f"queues to serve, by commas (default: {QUEUES})",
        )
        parser.add_argument(
            "--no-beat", action="store_true",
            help="do not schedule periodic jobs; another worker does",
        )  # fmt: skip

    def handle(
        self, *args: Any, concurrency: int, queues: str, no_beat: bool, **options: Any
    ) -> None:
        if settings.REMOVAL_EXECUTION != "queue":
            raise CommandError(
                "Workers have nothing to do: set REMOVAL_EXECUTION=queue, here and for the web."
            )
        try:
            backup.claim()
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        try:
            needed = models_needed(EngineSettings.from_environment())
            weights.ensure_models(needed, show_progress(sys.stderr))
        except ModelUnavailable as error:
            raise CommandError(f"The engine could not be prepared: {error}") from error
        from pixian_site.celery import app
        from removal.execution.pool import threads_each

        os.environ["REMOVAL_THREADS"] = str(threads_each(concurrency))
        os.environ["REMOVAL_ENGINE_PROCESSES"] = str(concurrency)

        beat = [] if no_beat else ["--beat"]
        app.worker_main(
            ["worker", f"--concurrency={concurrency}", f"--queues={queues}", "--loglevel=INFO",
             "--without-gossip", "--without-mingle", *beat]
        )  # fmt: skip
