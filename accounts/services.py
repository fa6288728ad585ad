"""Operations on accounts and API keys: the only code that creates, checks or revokes a key."""

import hashlib
import hmac
import re
import secrets
import string
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import OperationalError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from . import webhook_secrets
from .errors import AccountSuspended, KeyRevoked, UnknownKey, WrongSecret
from .models import ApiKey, User
from .signals import account_closed

PUBLIC_ID = re.compile(r"[a-z0-9]{1,32}")
MOST_AT_ONCE = 500  # accounts closed in one run of the periodic job
LAST_USED_STEP = timedelta(minutes=1)
# Letters and digits only: a double click selects the whole of it. 62**43 > 2**256.
SECRET_ALPHABET = string.ascii_letters + string.digits
SECRET_LENGTH = 43
PUBLIC_ALPHABET = string.ascii_lowercase + string.digits


def get_or_create_account(email: str) -> tuple[User, bool]:
    """The account of this address; a new one is created confirmed, without a usable password."""
    user, created = User.objects.get_or_create(
        email=email.strip().lower(), defaults={"password": make_password(None)}
    )
    if created:
        user.confirm_email()
    return user, created


def close_account(user: User) -> None:
    """End keys and sessions at once and remove all personal data; other apps receive a signal.

    Raises ProtectedError for staff who moved credits: the ledger refers to them permanently.
    """
    with transaction.atomic():
        account_closed.send(sender=User, user=user)
        _forget_in_admin_log(user)
        for session in UserSession.objects.filter(user=user):
            session.end()
        user.delete()


def forget_ended_sessions() -> int:
    """Delete expired sessions with their IP addresses; the number deleted."""
    Session.objects.filter(expire_date__lte=timezone.now()).delete()
    living = Session.objects.values("session_key")
    return int(UserSession.objects.exclude(session_key__in=living).delete()[0])


def forget_unconfirmed(now: datetime | None = None) -> int:
    """Close accounts whose address was not confirmed in time; the number closed.

    Accounts with a key, credits or staff rights were made by staff or a command and stay.
    """
    since = (now or timezone.now()) - timedelta(days=settings.UNCONFIRMED_KEEP_DAYS)
    confirmed = EmailAddress.objects.filter(verified=True).values("user")
    rows = User.objects.filter(date_joined__lt=since, is_staff=False, is_superuser=False)
    idle = rows.filter(api_keys=None, last_login=None).exclude(pk__in=confirmed)
    number = 0
    for user in idle.order_by("pk")[:MOST_AT_ONCE]:
        close_account(user)
        number += 1
    return number


def forget_revoked_keys(now: datetime | None = None) -> int:
    """Delete keys that were revoked long ago; the number deleted."""
    since = (now or timezone.now()) - timedelta(days=settings.REVOKED_KEYS_KEEP_DAYS)
    deleted = ApiKey.objects.filter(revoked_at__lt=since).delete()[1]
    return deleted.get(ApiKey._meta.label, 0)


def end_other_sessions(user: User, session_key: str | None) -> None:
    for session in UserSession.objects.filter(user=user).exclude(session_key=session_key):
        session.end()


def used_second_factor(request: HttpRequest, user: User) -> bool:
    """Whether this session has used a second factor that the account still has."""
    records = get_authentication_records(request, user)
    shown = [record.get("id") for record in records if record.get("method") == "mfa"]
    return bool(Authenticator.objects.filter(user=user, pk__in=shown).exists())


@transaction.atomic
def issue_api_key(
    user: User, label: str = "", test_only: bool = False, monthly_limit: Decimal | None = None
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is not stored."""
    key, secret = _make_key(user, label, test_only, monthly_limit)
    webhook_secrets.make_first(key)
    return key, secret


def _make_key(
    user: User, label: str, test_only: bool, monthly_limit: Decimal | None
) -> tuple[ApiKey, str]:
    secret = _random(SECRET_ALPHABET, SECRET_LENGTH)
    key = ApiKey.objects.create(
        user=user,
        public_id="px" + _random(PUBLIC_ALPHABET, 14),
        secret_hash=hash_secret(secret),
        label=label,
        test_only=test_only,
        monthly_limit=monthly_limit,
    )
    return key, secret


def authenticate_key(public_id: str, secret: str) -> ApiKey:
    """The key with these credentials; raises a subclass of AuthenticationError.

    The secret is compared first: only somebody who has it may learn that a key is revoked or its
    account suspended.
    """
    key = _find(public_id)
    if not hmac.compare_digest(key.secret_hash, hash_secret(secret)):
        raise WrongSecret
    if key.is_revoked:
        raise KeyRevoked
    if key.user.is_suspended:
        raise AccountSuspended
    _note_use(key)
    return key


def revoke(key: ApiKey) -> None:
    """Revoke a key at once and permanently; a second call changes nothing."""
    now = timezone.now()
    ApiKey.objects.filter(Q(revoked_at=None) | Q(revoked_at__gt=now), pk=key.pk).update(
        revoked_at=now
    )
    key.refresh_from_db(fields=["revoked_at"])


def rotate(key: ApiKey, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new key like this one; the old one stays valid until the overlap ends."""
    with transaction.atomic():
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(
            revoked_at=timezone.now() + overlap
        )
        new, secret = _make_key(key.user, key.label, key.test_only, key.monthly_limit)
        webhook_secrets.hand_on(key, new)
        return new, secret


def suspend(user: User) -> None:
    """Refuse every API key of the account until it is reinstated."""
    User.objects.filter(pk=user.pk, suspended_at=None).update(suspended_at=timezone.now())
    user.refresh_from_db(fields=["suspended_at"])


def reinstate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(suspended_at=None)
    user.refresh_from_db(fields=["suspended_at"])


def hash_secret(secret: str) -> str:
    # 256 random bits can't be guessed, so a fast hash is safe here; argon2 would cost every call
    # tens of milliseconds. Not keyed with SECRET_KEY: changing that must not invalidate API keys.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _forget_in_admin_log(user: User) -> None:
    """Anonymise the admin log: staff's actions stay, the account's name goes."""
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    named = {user.email, *addresses, *map(str, user.api_keys.all())}
    LogEntry.objects.filter(object_repr__in=named).update(object_repr="closed account")


def _find(public_id: str) -> ApiKey:
    if not PUBLIC_ID.fullmatch(public_id):  # also keeps NUL, which PostgreSQL rejects, out of SQL
        raise UnknownKey
    try:
        return ApiKey.objects.select_related("user").get(public_id=public_id)
    except ApiKey.DoesNotExist:
        raise UnknownKey from None


def _note_use(key: ApiKey) -> None:
    """Update last_used_at at most once a minute, to avoid a write for every request."""
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < LAST_USED_STEP:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_STEP)
    # A busy database must not make a valid key fail because of a statistic.
    with suppress(OperationalError):
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    key.last_used_at = now


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
