"""`manage.py restore FILE`: replaces the SQLite database by a copy, then audits it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, call_command

from pixian_site import backup


class Command(BaseCommand):
    help = "Replace the SQLite database with the copy in FILE, migrate it and audit its ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="made by manage.py backup")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            replaced = backup.restore(file)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        if replaced:
            self.stdout.write(f"The former database is {replaced}: delete it in time.")
        call_command("migrate", interactive=False, verbosity=0)  # also creates the triggers
        call_command("audit_ledger", stdout=self.stdout, stderr=self.stderr)
        self.stdout.write(
            f"Restored {file}. Start the site, then run manage.py reconcile_stripe: it records "
            "payments made since the backup."
        )
