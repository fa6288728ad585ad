"""manage.py reencrypt_secrets: the last step of changing SECRET_KEY."""

from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import WebhookSecret
from accounts.sealing import SECOND_FACTOR, WEBHOOK, reseal

FIELDS = ("secret", "seed")  # of authenticator apps, of recovery codes


class Command(BaseCommand):
    help = "Encrypt stored secrets with SECRET_KEY, so that SECRET_KEY_FALLBACKS can be emptied."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        factors = sum(map(_reseal_factor, Authenticator.objects.select_for_update()))
        webhooks = _reseal_rows(WEBHOOK, WebhookSecret.objects.select_for_update())
        self.stdout.write(
            f"Encrypted {factors} second factors and {webhooks} webhook secrets anew."
        )


def _reseal_factor(row: Authenticator) -> bool:
    sealed = {name: row.data[name] for name in FIELDS if name in row.data}
    row.data |= {name: reseal(SECOND_FACTOR, text) for name, text in sealed.items()}
    row.save(update_fields=["data"])
    return bool(sealed)


def _reseal_rows(purpose: str, rows: Iterable[WebhookSecret]) -> int:
    number = 0
    for row in rows:
        row.sealed = reseal(purpose, row.sealed)
        row.save(update_fields=["sealed"])
        number += 1
    return number
