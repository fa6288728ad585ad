"""`manage.py backup FILE`: copies the SQLite database, also while the site runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from pixian_site import backup


class Command(BaseCommand):
    help = "Write a copy of the SQLite database to FILE, which only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="must not exist yet")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            backup.backup(file)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"Wrote {file} ({file.stat().st_size:,} bytes). Keep it with the site's SECRET_KEY: "
            "without that key, second factors in it can't be read."
        )
