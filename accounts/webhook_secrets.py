"""What the webhooks of an API key's batches are signed with: a secret of the key's own.

Its owner can read it at any time, as a receiver has to be given it, and replace it: the old one
signs beside the new for a while. It is random, and so outlives every change of SECRET_KEY.
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
MOST = 3  # that sign at once; of more replacements in a row the oldest ends early


def make_first(key: ApiKey) -> None:
    WebhookSecret.objects.create(api_key=key, sealed=seal(WEBHOOK, _new()))


def hand_on(old: ApiKey, new: ApiKey) -> None:
    """The key that replaces another signs as that one did: no receiver has to change."""
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
    """All secrets that sign now, the newest first; none that cannot be read any more."""
    return [secret for row in rows_that_sign(key) if (secret := read(row))]


def read(row: WebhookSecret) -> str:
    """The secret; "" where it is sealed under a SECRET_KEY that is not known any more."""
    try:
        return unseal(WEBHOOK, row.sealed)
    except Unreadable:
        log.error(
            "A webhook secret of %s is sealed under another SECRET_KEY", row.api_key.public_id
        )
        return ""


def rows_that_sign(key: ApiKey) -> list[WebhookSecret]:
    living = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
    newest_first = F("ends_at").desc(nulls_first=True)
    return list(WebhookSecret.objects.filter(living, api_key=key).order_by(newest_first, "-pk"))


@transaction.atomic
def replace(key: ApiKey, overlap: timedelta) -> None:
    """A new secret; the one before signs on until the overlap is over."""
    ApiKey.objects.select_for_update().get(pk=key.pk)  # one replacement after another
    now = timezone.now()
    rows = WebhookSecret.objects.filter(api_key=key)
    # Whoever ends one at once means those before as well.
    ending = rows.filter(ends_at=None) if overlap else rows
    ending.update(ends_at=now + overlap)
    make_first(key)
    kept = [row.pk for row in rows_that_sign(key)[:MOST]]
    rows.exclude(pk__in=kept).delete()


def _new() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()
