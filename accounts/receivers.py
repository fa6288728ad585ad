"""Signal receivers for log-ins and new second factors."""

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest
from django.utils.translation import get_language

from . import services
from .models import User

MAX_EMAIL = 254


def remember_language(user: User, request: HttpRequest | None, **kwargs: object) -> None:
    """Store the language, for mails that are not sent during a request."""
    language = get_language()
    if request is not None and language and language != user.language:
        User.objects.filter(pk=user.pk).update(language=language)


def trust_this_session_alone(
    request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: object
) -> None:
    """End all other sessions: only this one has shown the new second factor.

    Recovery codes come with a factor and change nothing.
    """
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    record_authentication(request, user, method="mfa", id=authenticator.pk, type=authenticator.type)
    services.end_other_sessions(user, request.session.session_key)


def keep_the_address_alone(instance: SocialAccount, **kwargs: object) -> None:
    """Of what another site tells about somebody store the address, which the account page shows;
    nothing here needs names and pictures."""
    told = instance.extra_data
    parts = (told.get("userinfo"), told.get("id_token"), told)
    email = next((part["email"] for part in parts if part and part.get("email")), None)
    instance.extra_data = {"email": str(email)[:MAX_EMAIL]} if email else {}
