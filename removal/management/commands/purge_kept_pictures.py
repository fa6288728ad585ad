"""`manage.py purge_kept_pictures`: deletes the page's expired pictures now."""

from typing import Any

from django.core.management.base import BaseCommand

from removal.page import kept


class Command(BaseCommand):
    help = "Delete expired pictures of the page, and their results."

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"Deleted {kept.purge_kept()} pictures.")
