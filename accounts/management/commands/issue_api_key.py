"""Creates an API key, and its account if there is none; stdout is exactly `ID:SECRET`."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.services import get_or_create_account, issue_api_key


class Command(BaseCommand):
    help = "Create an API key for EMAIL and print ID:SECRET; the account is created if absent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--label", default="", help="what the key is for")
        parser.add_argument("--test-only", action="store_true", help="a key that is never charged")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"].strip())
        except ValidationError:
            raise CommandError(f"{options['email']!r} is not an email address.") from None
        user, created = get_or_create_account(options["email"])
        if created:
            self.stderr.write(f"Created the account {user.email}; it has no password yet.")
        key, secret = issue_api_key(user, options["label"], options["test_only"])
        self.stderr.write("The secret is shown only once. The key:")
        self.stdout.write(f"{key.public_id}:{secret}")
        if not key.test_only:
            self.stderr.write(f"Credits: manage.py grant_credits {user.email} 100 --reason TEXT")
