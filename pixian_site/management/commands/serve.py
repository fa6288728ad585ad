"""`manage.py serve`: prepare the data folder and serve the site; what `make run` calls."""

import logging
import sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError

from pixian_site import backup, licences, static_files
from pixian_site.server import is_every_address, serve
from removal.engine import ModelUnavailable
from removal.engine.networks import weights
from removal.engine.networks.session import Settings as EngineSettings
from removal.engine.networks.session import models_needed
from removal.engine.networks.weights.progress import show_progress

HINTS = """
  {address} is the page; the API is {address}/api/v2/remove-background
  First key:    .venv/bin/python manage.py issue_api_key you@example.com
  Credits:      .venv/bin/python manage.py grant_credits you@example.com 100 --reason "first test"
  First admin:  .venv/bin/python manage.py createsuperuser   (then {address}/{admin})
  Weights:      {weights}.
                REMOVAL_MODEL=u2netp (Apache-2.0) is the clean choice. docs/models.md says more.
"""


class Command(BaseCommand):
    help = "Prepare the database, the static files and the weights, then serve the site."
    requires_system_checks: list[str] = []  # run below, after the folders exist

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=_port, default=8000)
        parser.add_argument(
            "--prepared", action="store_true",
            help="serve at once: weights, database and static files are prepared (an image)",
        )  # fmt: skip

    def handle(self, *args: Any, host: str, port: int, prepared: bool, **options: Any) -> None:
        logging.getLogger("whitenoise").setLevel(logging.WARNING)
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        self._claim()
        if not prepared:
            self._prepare()
        self.check()
        address = _address(host, port)
        self.stdout.write(
            f"Serving {address}{_families(host)}"
            + HINTS.format(address=address, admin=settings.ADMIN_PATH, weights=_weights())
        )
        sys.stdout.flush()
        try:
            serve(host, port)
        except OSError as error:
            raise CommandError(f"Cannot serve on {host}:{port}: {error.strerror}.") from error

    def _claim(self) -> None:
        try:
            backup.claim()
        except backup.BackupError as error:
            raise CommandError(str(error)) from error

    def _prepare(self) -> None:
        try:
            needed = models_needed(EngineSettings.from_environment())
            weights.ensure_models(needed, show_progress(sys.stderr))
        except ModelUnavailable as error:
            raise CommandError(f"The engine could not be prepared: {error}") from error
        _make_database_private()
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database could not be prepared: {error}") from error
        try:
            call_command("compile_translations", verbosity=0)
            static_files.collect()
        except OSError as error:
            raise CommandError(f"Files could not be written: {error}") from error


def _make_database_private() -> None:
    """Create a new SQLite file readable by this user alone: it holds addresses and sessions."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        with suppress(OSError):  # which migrate explains
            Path(database["NAME"]).touch(mode=0o600, exist_ok=True)


def _weights() -> str:
    """The networks in use and their licences."""
    rows = [f"{model.name}: {model.licence}" for model in licences.networks_in_use()]
    return ".\n                ".join(rows) or "a network of your own"


def _address(host: str, port: int) -> str:
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return f"http://{name}:{port}"


def _families(host: str) -> str:
    if host.strip("[]") != "::":
        return ""
    return " (IPv4 and IPv6)" if is_every_address(host) else " (IPv6 alone)"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a port; allowed are 0 to 65535")
