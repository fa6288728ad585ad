"""What happens when somebody logs in, or sets up a second factor."""

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.utils.translation import get_language

from . import services
from .models import User


def remember_language(user: User, request: HttpRequest | None, **kwargs: object) -> None:
    """Mail that no request asked for is written in the language of the last log-in."""
    language = get_language()
    if request is not None and language and language != user.language:
        User.objects.filter(pk=user.pk).update(language=language)


def trust_this_session_alone(
    request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: object
) -> None:
    """A new second factor: this session has just shown it; the others never did and end.

    Recovery codes come along with a factor and are no news.
    """
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    record_authentication(request, user, method="mfa", id=authenticator.pk, type=authenticator.type)
    services.end_other_sessions(user, request.session.session_key)
