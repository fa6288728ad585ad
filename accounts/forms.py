"""Forms of the account pages."""

import secrets
from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.socialaccount.forms import SignupForm as AllauthSocialSignupForm
from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .models import User


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """The sign-in form, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remember"].label = _("Stay signed in")


class ConsentMixin(forms.Form):
    """A consent field if the site has terms."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.TERMS_URL:
            label = format_html(
                _('I have read and accept the <a href="{}">terms</a>.'), settings.TERMS_URL
            )
            self.fields["terms"] = forms.BooleanField(label=label)

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        user.language = get_language() or "en"
        if self.cleaned_data.get("terms"):
            user.terms_accepted_at = timezone.now()
        user.save(update_fields=["language", "terms_accepted_at"])


class SocialSignupForm(ConsentMixin, AllauthSocialSignupForm):  # type: ignore[misc]
    """The form after somebody new has signed in with another site's account."""


class SignupForm(ConsentMixin, AllauthSignupForm):  # type: ignore[misc]
    """The sign-up form."""

    field_order = ("email", "password1", "terms")

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        if self.account_already_exists:
            self._work_as_for_a_new_account(request)
        user, response = super().try_save(request)
        return user, response

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        return user

    def _work_as_for_a_new_account(self, request: HttpRequest) -> None:
        """Hash and write, then roll back: otherwise the response time reveals existing accounts."""
        taken = self.cleaned_data["email"]
        self.cleaned_data["email"] = f"{secrets.token_hex(16)}@taken.invalid"
        self.account_already_exists = False
        try:
            with transaction.atomic():
                with transaction.atomic():
                    self.save(request)
                    transaction.set_rollback(True)
                # A real commit, like a new account's: it waits for the disk.
                owners = Q(email=taken.lower()) | Q(emailaddress__email=taken.lower())
                User.objects.filter(owners).update(language=F("language"))
        finally:
            self.cleaned_data["email"] = taken
            self.account_already_exists = True
