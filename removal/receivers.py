"""What the product does when an account is closed."""

from accounts.models import User

from .models import Removal


def forget_messages(user: User, **kwargs: object) -> None:
    """Messages quote names of files and hosts; rows without them stay, to be counted."""
    Removal.objects.filter(user=user).update(error_message="")
