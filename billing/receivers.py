"""What billing does when accounts begin and end."""

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
    """Everybody has a credit account from the start: staff find it by address, empty or not."""
    if created and not raw:
        ledger.account_for(instance)


def make_groups(sender: AppConfig, **kwargs: object) -> None:
    """Support reads and suspends; finance moves credits and sets prices besides."""
    if sender is not list(apps.get_app_configs())[-1]:
        return  # every app's permissions exist once the last one is migrated
    for name, codenames in GROUPS.items():
        group, created = Group.objects.get_or_create(name=name)
        if created:  # afterwards it is the operator's own
            group.permissions.set(Permission.objects.filter(codename__in=codenames))


@transaction.atomic
def welcome(email_address: EmailAddress, **kwargs: object) -> None:
    """Signup credits, once the address is confirmed: an unread mailbox earns nothing, and one that
    was given some before nothing more."""
    if settings.SIGNUP_CREDITS and addresses.note_first(email_address.email):
        ledger.welcome(email_address.user, settings.SIGNUP_CREDITS)


def forget_payer(user: User, **kwargs: object) -> None:
    """Stripe's events name the payer: of a closed account only their kinds and times stay, and
    nothing can be paid any more."""
    StripeEvent.objects.filter(purchase__account__user=user).update(payload={})
    checkouts.expire_when_closed(user)
    # Books in which nothing ever stood go along with their owner.
    Account.objects.filter(user=user, entries=None, holds=None, purchases=None).delete()
