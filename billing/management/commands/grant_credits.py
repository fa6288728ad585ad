"""Grants credits to an account, with a reason that is stored in its ledger."""

from argparse import ArgumentParser, ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from billing import ledger
from billing.errors import InvalidAmount


def number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is not a number of credits") from None


class Command(BaseCommand):
    help = "Give EMAIL's account N credits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("credits", metavar="N", type=number)
        parser.add_argument("--reason", required=True, help="stays in the ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["email"].strip())
        except User.DoesNotExist:
            raise CommandError(
                f"Nobody has the address {options['email']}. "
                f"Create the account with: manage.py issue_api_key {options['email']}"
            ) from None
        try:
            entry = ledger.grant(user, options["credits"], options["reason"])
        except InvalidAmount as error:
            raise CommandError(error.message) from None
        self.stdout.write(
            f"Granted {entry.amount} credits to {user.email}; balance {entry.balance_after}."
        )
