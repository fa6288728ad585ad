"""`manage.py fetch_models`: the same as `python -m removal.engine.weights`."""

import sys
from typing import Any

from django.core.management import BaseCommand, CommandError

from removal.engine import ModelUnavailable
from removal.engine.networks import weights
from removal.engine.networks.weights.progress import show_progress


class Command(BaseCommand):
    help = "Fetch the networks' weights and build the networks; does nothing if all are ready."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            weights.ensure(show_progress(sys.stderr))
        except ModelUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The weights are ready in {weights.models_dir()}.")
