"""`manage.py fetch_models`: fetch networks by name, or those that the settings need."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from removal.engine import ModelUnavailable
from removal.engine.environment import Environment
from removal.engine.networks import guard, ram, session, weights
from removal.engine.networks.catalog import MODELS, Release, builds_of, recipe_of
from removal.engine.networks.weights import licences
from removal.engine.networks.weights.progress import show_progress


class Command(BaseCommand):
    help = "Fetch networks and build what is run: those named, or those that the settings need."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="a network; see --list")
        parser.add_argument("--list", action="store_true", help="the networks and their licences")
        parser.add_argument(
            "--from", dest="file", type=Path, metavar="FILE",
            help="take the published file of one network from here, in place of fetching it",
        )  # fmt: skip
        parser.add_argument(
            "--accept-licence", action="append", default=[], metavar="NAME",
            help="accept the licence of this network; recorded beside the weights",
        )  # fmt: skip

    def handle(self, *args: Any, names: list[str], file: Path | None, **options: Any) -> None:
        try:
            if options["list"]:
                self._list()
                return
            self._fetch(names, file, options["accept_licence"])
        except ModelUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The weights are ready in {weights.models_dir()}.")

    def _fetch(self, names: list[str], file: Path | None, accepted: list[str]) -> None:
        unknown = sorted({*names, *accepted} - set(MODELS))
        if unknown:
            raise CommandError(f"{unknown[0]!r} is not known. Known: {', '.join(MODELS)}.")
        if file and len(names) != 1:
            raise CommandError("--from takes the file of exactly one network: name it.")
        for name in accepted:
            weights.accept_licence(name)
        progress = show_progress(sys.stderr)
        needed = names or session.models_needed(session.Settings.from_environment())
        if Environment().text("REMOVAL_DEVICE") != "cuda":
            self._warn(needed)
        if file:
            weights.bring(names[0], file, progress)
            return
        weights.ensure_models(needed, progress)

    def _warn(self, names: Sequence[str]) -> None:
        """Before gigabytes are fetched: it may be another machine that is to run them."""
        slots = settings.REMOVAL_SLOTS if settings.REMOVAL_EXECUTION == "inline" else 1
        for name in names:
            mib = min(recipe_of(build).memory_mib for build in builds_of(name))
            if sentence := guard.lacking(mib, slots, ram.read()):
                self.stderr.write(self.style.WARNING(f"{name}: {sentence}"))

    def _list(self) -> None:
        accepted = licences.accepted(weights.models_dir())
        for model in MODELS.values():
            source = model.source
            size = source.bytes if isinstance(source, Release) else source.archive_bytes
            notes = [model.recipe.licence, f"{size / 1e6:.0f} MB"]
            notes += [] if model.tried else ["untried here"]
            notes += ["accepted"] if model.name in accepted else []
            self.stdout.write(f"{model.name:<20} {', '.join(notes)}\n{'':<20} {model.licence}")
