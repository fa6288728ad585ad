"""Overrides of django-allauth's defaults."""

import logging
import time
from contextlib import suppress
from typing import Any, NamedTuple

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailConfirmationMixin
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from . import services
from .mail import MailNotSent, failure
from .public import with_public_links
from .sealing import SECOND_FACTOR, seal, unseal

log = logging.getLogger(__name__)
CLOSING = "closing"  # what the account's end asks for the password as
MOST_CONNECTED = 10  # accounts of other sites for each account


class _Site(NamedTuple):
    """The site as allauth's mails show it."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises MailNotSent, after which the caller may try again at once."""
        context = with_public_links(self.request, context)
        context["current_site"] = _Site(settings.SITE_NAME, settings.SITE_NAME)
        context["site_url"] = settings.SITE_URL
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            self._forget_that_it_was_asked_for(email)
            refused = failure(error)
            # Not the error itself: it names the recipient.
            reason = "the recipient was refused" if refused.permanent else type(error).__name__
            log.error("The mail %s was not sent: %s", template_prefix, reason)
            raise refused from error

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: EmailConfirmationMixin, signup: bool
    ) -> None:
        """Roll signing up back if its mail was not sent: the account would be unusable."""
        try:
            super().send_confirmation_mail(request, emailconfirmation, signup)
        except MailNotSent:
            if signup:
                services.close_account(emailconfirmation.email_address.user)
            raise

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """A notification that cannot be sent does not undo what it reports."""
        with suppress(MailNotSent):
            super().send_notification_mail(*args, **kwargs)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just signed in with the password isn't asked for it again, except to close
        the account. Signing in by mail or by another site does not count: it took no password."""
        if app == CLOSING:
            return True
        if _has_just_given_the_password(self.request):
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def _forget_that_it_was_asked_for(self, email: str) -> None:
        """Confirmations are rate-limited to one every few minutes: a failed mail does not count."""
        ratelimit.clear(
            self.request, app="allauth.account", action="confirm_email", key=email.lower()
        )


def _has_just_given_the_password(request: HttpRequest) -> bool:
    given = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record["method"] == "password"
    ]
    return bool(given) and time.time() - given[-1] < account_settings.REAUTHENTICATION_TIMEOUT


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Signing in with the account of another site (OpenID Connect).

    An address that has an account here is never joined to another site's by itself: its owner signs
    in first, by password or the mail that resets it, and connects the two in the account's pages.
    """

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        for address in sociallogin.email_addresses:
            # Some providers tell it as a text, and allauth takes "false" for true.
            address.verified = str(address.verified).lower() == "true"
        if sociallogin.state.get("process") != AuthProcess.CONNECT:
            return
        connected = SocialAccount.objects.filter(user_id=request.user.pk).count()
        if connected >= MOST_CONNECTED and not sociallogin.is_existing:
            messages.error(request, _("Remove one of the connected accounts first."))
            raise ImmediateHttpResponse(redirect("socialaccount_connections"))

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Without a form, unless there are terms to consent to."""
        return not settings.TERMS_URL


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts the seeds of authenticator apps and recovery codes in the database."""

    def encrypt(self, text: str) -> str:
        return seal(SECOND_FACTOR, text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(SECOND_FACTOR, encrypted_text)
