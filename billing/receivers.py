"""What billing does when accounts begin and end."""

from allauth.account.models import EmailAddress
from django.conf import settings

from accounts.models import User

from . import ledger
from .models import StripeEvent


def welcome(email_address: EmailAddress, **kwargs: object) -> None:
    """Signup credits, once the address is confirmed: an unread mailbox earns nothing."""
    if settings.SIGNUP_CREDITS:
        ledger.welcome(email_address.user, settings.SIGNUP_CREDITS)


def forget_payer(user: User, **kwargs: object) -> None:
    """Stripe's events name the payer: of a closed account only their kinds and times stay."""
    StripeEvent.objects.filter(purchase__account__user=user).update(payload={})
