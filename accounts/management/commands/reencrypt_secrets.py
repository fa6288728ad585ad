"""manage.py reencrypt_secrets: the last step of changing SECRET_KEY."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import DataKey, WebhookSecret
from accounts.sealing import DATA_KEY, SECOND_FACTOR, WEBHOOK, Unreadable, reseal

FIELDS = ("secret", "seed")  # of authenticator apps, of recovery codes


class Command(BaseCommand):
    help = "Encrypt stored secrets with SECRET_KEY, so that SECRET_KEY_FALLBACKS can be emptied."
    unreadable = 0

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        factors = self._reseal_factors(Authenticator.objects.select_for_update())
        webhooks = self._reseal_rows(WEBHOOK, WebhookSecret.objects.select_for_update())
        keys = self._reseal_rows(DATA_KEY, DataKey.objects.select_for_update())
        what = f"{factors} second factors, {webhooks} webhook secrets and {keys} data keys"
        self.stdout.write(f"Encrypted {what} anew.")
        if self.unreadable:
            self.stderr.write(
                f"{self.unreadable} were encrypted with a key that is neither SECRET_KEY nor in "
                "SECRET_KEY_FALLBACKS, and were left as they are."
            )

    def _reseal_factors(self, rows: Iterable[Authenticator]) -> int:
        done = 0
        for row in rows:
            sealed = {name: row.data[name] for name in FIELDS if name in row.data}
            with self._left_if_unreadable():
                row.data |= {name: reseal(SECOND_FACTOR, text) for name, text in sealed.items()}
                row.save(update_fields=["data"])
                done += bool(sealed)
        return done

    def _reseal_rows(self, purpose: str, rows: Iterable[WebhookSecret | DataKey]) -> int:
        done = 0
        for row in rows:
            with self._left_if_unreadable():
                row.sealed = reseal(purpose, row.sealed)
                row.save(update_fields=["sealed"])
                done += 1
        return done

    @contextmanager
    def _left_if_unreadable(self) -> Iterator[None]:
        try:
            yield
        except Unreadable:
            self.unreadable += 1
