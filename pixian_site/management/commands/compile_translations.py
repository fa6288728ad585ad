"""`manage.py compile_translations`: compiles the .po files to the .mo files that Django reads."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from pixian_site import translations


class Command(BaseCommand):
    help = "Compile changed translations of the interface (.po to .mo)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for locale in settings.LOCALE_PATHS:
            for path in translations.compile_all(Path(locale)):
                self.stdout.write(f"compiled {path.relative_to(settings.BASE_DIR)}")
