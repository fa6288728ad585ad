"""Checks every balance and hold against its ledger rows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import audit
from billing.models import Account, LedgerEntry


class Command(BaseCommand):
    help = "Compare every account and hold with its ledger entries; exit 1 where they differ."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for fault in audit.recorded():
            faults += 1
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"The ledger has {faults} faults.")
        self.stdout.write(
            f"The ledger is right: {LedgerEntry.objects.count()} entries "
            f"of {Account.objects.count()} accounts."
        )
