"""manage.py purge_kept_pictures: delete the page's pictures whose time is over, now."""

from typing import Any

from django.core.management.base import BaseCommand

from removal.page import kept


class Command(BaseCommand):
    help = "Delete pictures of the page, and their results, whose time is over."

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"Deleted {kept.purge_kept()} pictures.")
