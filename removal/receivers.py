"""Removes data when an account is closed."""

from accounts.models import User

from .models import Removal


def forget_messages(user: User, **kwargs: object) -> None:
    """Clear messages, which quote file and host names; the rows stay for the counts."""
    Removal.objects.filter(user=user).update(error_message="")
