"""What happens when somebody logs in."""

from django.http import HttpRequest
from django.utils.translation import get_language

from .models import User


def remember_language(user: User, request: HttpRequest | None, **kwargs: object) -> None:
    """Mail that no request asked for is written in the language of the last log-in."""
    language = get_language()
    if request is not None and language and language != user.language:
        User.objects.filter(pk=user.pk).update(language=language)
