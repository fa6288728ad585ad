"""Fetches Stripe events whose webhook never reached this site; run it every hour."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing import stripe_gateway, webhooks
from billing.stripe_gateway import GatewayError


class Command(BaseCommand):
    help = "Fetch the events of the last days again, as far back as Stripe keeps them (30 days)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=3, choices=range(1, 31), metavar="1..30")

    def handle(self, *args: Any, **options: Any) -> None:
        if not stripe_gateway.is_configured():
            raise CommandError("STRIPE_SECRET_KEY is not set: there is nothing to reconcile.")
        try:
            news = webhooks.reconcile(timezone.now() - timedelta(days=options["days"]))
        except GatewayError as error:
            raise CommandError(f"Stripe could not be asked: {error}") from None
        self.stdout.write(f"Received {news} events that had not reached us.")
        if left := webhooks.waiting().count():
            raise CommandError(
                f"{left} events could not be applied: see Stripe events in the admin."
            )
