"""manage.py update_reference: write the tables of docs/api.md anew, from those of the code."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from removal.docs import reference


class Command(BaseCommand):
    help = "Write the tables of docs/api.md anew, from those of the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether they are old")

    def handle(self, check: bool = False, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "api.md"
        text = path.read_text(encoding="utf-8")
        updated = reference.updated(text)
        if check and updated != text:
            self.stderr.write("docs/api.md is older than the code: manage.py update_reference")
            raise SystemExit(1)
        path.write_text(updated, encoding="utf-8")
