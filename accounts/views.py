"""Closing an account, waiting for a mail, and pages that report mail failures; the rest is
django-allauth's."""

import logging
from collections.abc import Callable
from functools import wraps

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.stages import EmailVerificationStage, LoginStageController
from allauth.socialaccount.providers.openid_connect import views as openid
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from requests import RequestException

from . import services
from .adapter import CLOSING
from .mail import MailNotSent

log = logging.getLogger(__name__)
Page = Callable[..., HttpResponseBase]


def that_sends_mail(page: Page) -> Page:
    """Shows the form again with an error if the mail server fails."""

    @wraps(page)
    def say(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return page(request, *args, **kwargs)
        except MailNotSent as error:
            status = 400 if error.permanent else 503
            context = {"sentence": error.sentence, "address": request.path}
            return render(request, "account/mail_not_sent.html", context, status=status)

    return say


def sign_in_elsewhere(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Leads to another site's sign-in page, whose address that site has to tell first."""
    try:
        return openid.login(request, provider_id)  # type: ignore[no-any-return]
    except (RequestException, ValueError, KeyError) as error:
        log.warning("The OpenID provider %s does not answer: %s", provider_id, error)
        return render(request, "socialaccount/authentication_error.html", status=503)


@require_http_methods(["GET", "POST"])
@never_cache
def verification_sent(request: HttpRequest) -> HttpResponse:
    """The page after signing up; a POST sends the mail once more, at most every few minutes.

    The address is the session's, never the form's: nobody can have strangers mailed. One that has
    an account already is answered, and mailed, as a new one is.
    """
    waiting = LoginStageController.enter(request, EmailVerificationStage.key)
    if request.method == "POST":
        if waiting and not send_verification_email_at_login(request, waiting.login):
            reason = _(
                "Not sent again: the last mail is only minutes old, or the address is confirmed "
                "already."
            )
            messages.warning(request, reason)
        return redirect("account_email_verification_sent")
    return render(request, "account/verification_sent.html", {"can_resend": waiting is not None})


@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required(allow_get=True, app=CLOSING)  # type: ignore[untyped-decorator]
def close(request: HttpRequest) -> HttpResponse:
    """Explain what closing does; close on POST."""
    user = request.user
    assert user.is_authenticated
    if request.method == "GET" or user.is_staff:
        return render(request, "account/close.html")
    try:
        services.close_account(user)
    except ProtectedError:
        messages.error(
            request, _("The ledger names you as staff who moved credits. Please write to support.")
        )
        return redirect("account_close")
    logout(request)
    messages.success(request, _("Your account is closed and your personal data is removed."))
    return redirect("/")
