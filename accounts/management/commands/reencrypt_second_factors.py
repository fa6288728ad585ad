"""manage.py reencrypt_second_factors: the last step of changing SECRET_KEY."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.core.management.base import BaseCommand
from django.db import transaction

FIELDS = ("secret", "seed")  # of authenticator apps, of recovery codes


class Command(BaseCommand):
    help = "Encrypt second factors with SECRET_KEY, so that SECRET_KEY_FALLBACKS can be emptied."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        number = 0
        for row in Authenticator.objects.select_for_update().iterator():
            sealed = {name: row.data[name] for name in FIELDS if name in row.data}
            row.data |= {name: encrypt(decrypt(text)) for name, text in sealed.items()}
            row.save(update_fields=["data"])
            number += bool(sealed)
        self.stdout.write(f"Encrypted {number} second factors anew.")
