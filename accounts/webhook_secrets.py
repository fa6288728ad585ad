"""The secrets that sign the webhooks of an API key's batches.

The owner can read the secret at any time, to configure receivers, and replace it: for a while both
the old and the new one sign. It is random, so a change of SECRET_KEY does not affect it.
"""

import base64
import logging
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from .models import ApiKey, WebhookSecret
from .sealing import WEBHOOK, Unreadable, seal, unseal

log = logging.getLogger(__name__)

PREFIX = "whsec_"
BYTES = 24
MOST = 3  # valid at once; after more replacements in a row the oldest ends early


def make_first(key: ApiKey) -> None:
    WebhookSecret.objects.create(api_key=key, sealed=seal(WEBHOOK, _new()))


def hand_on(old: ApiKey, new: ApiKey) -> None:
    """Copy the secrets to a replacement key: receivers need no change."""
    rows = list(WebhookSecret.objects.filter(api_key=old).order_by("pk"))
    if not rows:
        make_first(new)
    WebhookSecret.objects.bulk_create(
        WebhookSecret(
            api_key=new, sealed=row.sealed, created_at=row.created_at, ends_at=row.ends_at
        )
        for row in rows
    )


def signing(key: ApiKey) -> list[str]:
    """All valid secrets, newest first, without those that cannot be decrypted."""
    return [secret for row in rows_that_sign(key) if (secret := read(row))]


def read(row: WebhookSecret) -> str:
    """The secret; "" if it was encrypted with an unknown SECRET_KEY."""
    try:
        return unseal(WEBHOOK, row.sealed)
    except Unreadable:
        log.error(
            "A webhook secret of %s is encrypted with another SECRET_KEY", row.api_key.public_id
        )
        return ""


def rows_that_sign(key: ApiKey) -> list[WebhookSecret]:
    living = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
    newest_first = F("ends_at").desc(nulls_first=True)
    return list(WebhookSecret.objects.filter(living, api_key=key).order_by(newest_first, "-pk"))


@transaction.atomic
def replace(key: ApiKey, overlap: timedelta) -> None:
    """A new secret; the previous one stays valid until the overlap ends."""
    ApiKey.objects.select_for_update().get(pk=key.pk)  # serialises concurrent replacements
    now = timezone.now()
    rows = WebhookSecret.objects.filter(api_key=key)
    # Ending one at once also ends all earlier ones.
    ending = rows.filter(ends_at=None) if overlap else rows
    ending.update(ends_at=now + overlap)
    make_first(key)
    kept = [row.pk for row in rows_that_sign(key)[:MOST]]
    rows.exclude(pk__in=kept).delete()


def _new() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()
