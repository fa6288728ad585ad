"""Releases holds and refunds results of dead processes; run it every few minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from billing import ledger


class Command(BaseCommand):
    help = "Release holds that outlived their request and refund results that were never sent."

    def handle(self, *args: Any, **options: Any) -> None:
        released, refunded = ledger.release_stale(), ledger.refund_undelivered()
        self.stdout.write(f"Released {released} stale holds, refunded {refunded} settlements.")
