"""What billing does when accounts are created and closed."""

from allauth.account.models import EmailAddress
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts import addresses
from accounts.models import User

from . import checkouts, ledger
from .models import Account, StripeEvent

_TABLES = "user apikey account ledgerentry hold purchase reversal creditpack packprice stripeevent"
_SUPPORT = [f"view_{name}" for name in f"{_TABLES} removal".split()]
_SUPPORT += ["change_user", "change_apikey"]
_PACKS = [f"{verb}_{name}" for verb in ("add", "change") for name in ("creditpack", "packprice")]
GROUPS = {
    "Support": _SUPPORT,
    "Finance": [*_SUPPORT, *_PACKS, "delete_packprice", "move_credits"],
}


def open_account(instance: User, created: bool, raw: bool, **kwargs: object) -> None:
    """Every user has a credit account from the start: staff find it by address, even if empty."""
    if created and not raw:
        ledger.account_for(instance)


def make_groups(sender: AppConfig, **kwargs: object) -> None:
    """Support reads and suspends; finance also moves credits and sets prices."""
    if sender is not list(apps.get_app_configs())[-1]:
        return  # every app's permissions exist once the last one is migrated
    for name, codenames in GROUPS.items():
        group, created = Group.objects.get_or_create(name=name)
        if created:  # afterwards the operator may change the group
            group.permissions.set(Permission.objects.filter(codename__in=codenames))


@transaction.atomic
def welcome(email_address: EmailAddress, **kwargs: object) -> None:
    """Grant signup credits once the address is confirmed, and only once for each mailbox."""
    if settings.SIGNUP_CREDITS and addresses.note_first(email_address.email):
        ledger.welcome(email_address.user, settings.SIGNUP_CREDITS)


def welcome_confirmed(user: User, **kwargs: object) -> None:
    """Welcome somebody whose address another site has confirmed when signing up."""
    for address in EmailAddress.objects.filter(user=user, verified=True, primary=True):
        welcome(address)


def forget_payer(user: User, **kwargs: object) -> None:
    """Stripe's events name the payer: for a closed account keep only their types and times, and
    expire its open checkouts."""
    StripeEvent.objects.filter(purchase__account__user=user).update(payload={})
    checkouts.expire_when_closed(user)
    # A credit account without entries is deleted with its owner.
    Account.objects.filter(user=user, entries=None, holds=None, purchases=None).delete()
