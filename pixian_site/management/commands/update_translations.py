"""`manage.py update_translations`: brings the .po files up to date with the sources."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from pixian_site import translations


class Command(BaseCommand):
    help = "Collect the sentences of templates and code into the .po files."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for po in translations.po_files(settings.BASE_DIR / "locale"):
            translations.update(settings.BASE_DIR, po)
            messages = [m for m in translations.load(po) if m.id]
            missing = [m.id for m in messages if not "".join(m.string or "")]  # or no plural form
            self.stdout.write(f"{po.relative_to(settings.BASE_DIR)}: {len(missing)} to do")
