"""The only writer of credits: every change is one row of the ledger and one transaction.

billing.entries writes the rows, billing.sales changes purchases.

A request's credits:  hold -> settle -> mark_delivered       charged
                           |         `-> refund              the process died, or staff refunded
                           `-> release                       error, cancelled, or never finished
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from accounts.models import ApiKey, User

from .entries import MAX_BALANCE, Kind, collect_shortfall, exact, lock, write
from .errors import (
    Dormant,
    HoldGone,
    InvalidAmount,
    KeyLimitReached,
    NeverHadCredits,
    NotEnough,
    NotRefundable,
)
from .models import ZERO, Account, Hold, LedgerEntry, Purchase
from .pricing import CREDIT_STEP, price

BATCH = 1000  # for one run of the clean-up job; the next run takes the rest


@dataclass(frozen=True, slots=True)
class AccountState:
    """The owner's view: `credits` are spendable, that is the balance minus open holds."""

    credit_pack: str | None
    state: Literal["active", "dormant"]
    use_before: date | None
    credits: Decimal
    held: Decimal
    shortfall: Decimal
    low_balance_threshold: Decimal | None


def price_of(pixels: int, factor: Decimal = Decimal(1)) -> Decimal:
    """Credits that a picture of so many pixels costs on this site. factor: of its network."""
    per_megapixel = settings.CREDITS_PER_MEGAPIXEL
    return price(pixels, base=settings.CREDITS_BASE, per_megapixel=per_megapixel, factor=factor)


def account_for(user: User) -> Account:
    return Account.objects.get_or_create(user=user)[0]


def state(user: User) -> AccountState:
    account = Account.objects.filter(user=user).first() or Account()
    return AccountState(
        credit_pack=account.pack_name or None,
        state="dormant" if account.is_dormant() else "active",
        use_before=account.use_before,
        credits=account.spendable,
        held=account.held,
        shortfall=account.shortfall,
        low_balance_threshold=account.low_balance_threshold,
    )


def set_low_balance_threshold(user: User, threshold: Decimal | None) -> None:
    """Mail the owner each time the balance falls below this threshold; None: never."""
    Account.objects.filter(pk=account_for(user).pk).update(
        low_balance_threshold=threshold, low_balance_mailed_at=None
    )


def spent_this_month(key: ApiKey) -> Decimal:
    """Charged or held through this key since the first of the month (UTC)."""
    start = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    spending = Hold.objects.filter(
        api_key=key, created_at__gte=start, state__in=(Hold.State.OPEN, *Hold.CHARGED)
    )
    total = spending.aggregate(total=Sum("amount"))["total"] or ZERO
    return Decimal(total).quantize(CREDIT_STEP)  # SQLite sums binary fractions


def statement(user: User) -> Iterator[dict[str, Any]]:
    """Every row of the owner's ledger, oldest first, for the data export."""
    rows = LedgerEntry.objects.filter(account__user=user).order_by("pk")
    columns = ("created_at", "kind", "amount", "held_amount", "balance_after", "request_id")
    found: Iterator[dict[str, Any]] = rows.values(*columns, "reason").iterator(chunk_size=500)
    return found


def purchases(user: User) -> list[dict[str, Any]]:
    """The owner's purchases, oldest first, for the data export."""
    rows = Purchase.objects.filter(account__user=user).order_by("pk")
    columns = ("reference", "pack_name", "credits", "currency", "amount", "amount_paid", "state")
    return list(rows.values(*columns, "created_at", "paid_at"))


def can_spend(user: User) -> bool:
    """Whether the account could pay for the smallest picture."""
    account = Account.objects.filter(user=user).first() or Account()
    return not account.is_dormant() and account.spendable >= price_of(1)


def check_spendable(user: User) -> None:
    """Raise early if the account could not even pay for the smallest picture."""
    account = Account.objects.filter(user=user).first() or Account()
    _check(account, price_of(1))


@exact
def hold(
    user: User,
    amount: Decimal,
    request_id: str,
    lifetime_s: float,
    key: ApiKey | None = None,
) -> Hold:
    """Set credits aside for one request; raises Dormant, NeverHadCredits or NotEnough.

    With a key, its monthly limit is enforced too, just as exactly: KeyLimitReached.
    """
    account = Account.objects.select_for_update().filter(user=user).first()
    if account is None:  # the user has just closed the account
        raise NeverHadCredits
    if account.spendable < amount:
        _release_expired(account)
    collect_shortfall(account)  # for accounts from before shortfalls were deducted automatically
    _check(account, amount)
    if key is not None and key.monthly_limit is not None:
        _check_limit(key, key.monthly_limit, amount)
    now = timezone.now()
    held = Hold.objects.create(
        account=account,
        api_key=key,
        amount=_credits(amount, zero=True),
        request_id=request_id,
        created_at=now,
        expires_at=now + timedelta(seconds=lifetime_s),
    )
    write(account, Kind.HOLD, held_amount=held.amount, hold=held)
    return held


@exact
def settle(hold: Hold) -> LedgerEntry:
    """Charge an open hold; raises HoldGone if it was released meanwhile.

    Commit this before the first byte of the response is sent, and call mark_delivered after the
    last one.
    """
    account = _lock_for(hold)
    if hold.state != Hold.State.OPEN:
        raise HoldGone
    _turn(hold, Hold.State.SETTLED, settled_at=timezone.now())
    return write(account, Kind.SETTLE, amount=-hold.amount, held_amount=-hold.amount, hold=hold)


@exact
def release(hold: Hold) -> None:
    """Release an open hold uncharged; does nothing if it is closed already."""
    account = _lock_for(hold)
    if hold.state == Hold.State.OPEN:
        _release(account, hold)


@contextmanager
def charge(
    user: User, amount: Decimal, request_id: str, lifetime_s: float, key: ApiKey | None = None
) -> Iterator[Hold]:
    """Hold the price while the block runs; if the block has not settled it, release it."""
    held = hold(user, amount, request_id, lifetime_s, key)
    try:
        yield held
    except BaseException:
        # Read again: the settlement may have been rolled back with its transaction, or be
        # committed although the caller gets an error.
        release(held)
        _refund_if_undelivered(held)
        raise
    if held.state == Hold.State.OPEN:
        release(held)


def mark_delivered(hold: Hold) -> None:
    """The response of a settled hold has ended: one UPDATE, and no refund will follow.

    If the refund came first (the response took longer than UNDELIVERED_REFUND_SECONDS but
    completed), charge again, as far as the balance allows.
    """
    settled = Hold.objects.filter(pk=hold.pk, state=Hold.State.SETTLED)
    if not settled.update(state=Hold.State.DELIVERED, delivered_at=timezone.now()):
        _charge_again(hold)


@exact
def refund(hold: Hold, reason: str, actor: User | None = None) -> LedgerEntry:
    """Refund a request's charge, once and in full; raises NotRefundable."""
    account = _lock_for(hold)
    if hold.state not in Hold.CHARGED:
        raise NotRefundable
    # Final, even if the response is still being sent.
    _turn(hold, Hold.State.REFUNDED, delivered_at=hold.delivered_at or timezone.now())
    return write(account, Kind.REFUND, amount=hold.amount, hold=hold, reason=reason, actor=actor)


@exact
def grant(user: User, amount: Decimal, reason: str, actor: User | None = None) -> LedgerEntry:
    """Credits granted by staff; they do not move the use-before date."""
    account = lock(account_for(user).pk)
    return write(account, Kind.GRANT, amount=_credits(amount), reason=reason, actor=actor)


@exact
def welcome(user: User, amount: Decimal) -> None:
    """A grant to an account without any entry yet, so at most once per account."""
    account = lock(account_for(user).pk)
    if not account.entries.exists():
        write(account, Kind.GRANT, amount=_credits(amount), reason="Welcome")


@exact
def remove(user: User, amount: Decimal, reason: str, actor: User | None = None) -> LedgerEntry:
    """Credits removed by staff, at most the spendable ones; raises NotEnough."""
    account = lock(account_for(user).pk)
    amount = _credits(amount)
    if account.spendable < amount:
        raise NotEnough(amount, account.spendable)
    return write(account, Kind.REMOVE, amount=-amount, reason=reason, actor=actor)


def release_stale(now: datetime | None = None) -> int:
    """Release every open hold that outlived its request; the number released."""
    stale = Hold.objects.filter(state=Hold.State.OPEN, expires_at__lte=now or timezone.now())
    return sum(_release_if_open(hold) for hold in stale[:BATCH])


def refund_undelivered(older_than: timedelta | None = None, now: datetime | None = None) -> int:
    """Refund settlements whose response never ended because its process died; their number.

    While a process lives, every response ends, sent or abandoned by the client, and is marked in
    both cases. So only time distinguishes a dead process from a slow client. `older_than` (by
    default UNDELIVERED_REFUND_SECONDS) has to exceed the slowest download; an even slower
    download is charged again when it ends.
    """
    window = older_than
    if window is None:
        window = timedelta(seconds=settings.UNDELIVERED_REFUND_SECONDS)
    undelivered = Hold.objects.filter(
        state=Hold.State.SETTLED, settled_at__lte=(now or timezone.now()) - window
    )
    return sum(_refund_if_undelivered(hold) for hold in undelivered[:BATCH])


@exact
def _release_if_open(hold: Hold) -> bool:
    account = _lock_for(hold)
    if hold.state != Hold.State.OPEN:
        return False
    _release(account, hold)
    return True


@exact
def _refund_if_undelivered(hold: Hold) -> bool:
    account = _lock_for(hold)
    if hold.state != Hold.State.SETTLED:
        return False
    _turn(hold, Hold.State.REFUNDED)
    write(account, Kind.REFUND, amount=hold.amount, hold=hold, reason="The result was not sent.")
    return True


@exact
def _charge_again(hold: Hold) -> None:
    account = _lock_for(hold)
    if hold.state != Hold.State.REFUNDED or hold.delivered_at is not None:
        return
    if account.spendable >= hold.amount:
        _turn(hold, Hold.State.DELIVERED, delivered_at=timezone.now())
        write(account, Kind.SETTLE, amount=-hold.amount, hold=hold, reason="Sent after the refund.")


def _lock_for(hold: Hold) -> Account:
    """Lock the account, then read the hold's current state: holds change only behind that lock,
    except that mark_delivered ends a settled one."""
    account = lock(hold.account_id)
    fresh = Hold.objects.select_for_update().get(pk=hold.pk)
    hold.state, hold.delivered_at = fresh.state, fresh.delivered_at
    return account


def _turn(hold: Hold, state: Hold.State, **times: datetime) -> None:
    hold.state = state
    for name, value in times.items():
        setattr(hold, name, value)
    hold.save(update_fields=["state", *times])


def _release(account: Account, hold: Hold) -> None:
    _turn(hold, Hold.State.RELEASED)
    write(account, Kind.RELEASE, held_amount=-hold.amount, hold=hold)


def _release_expired(account: Account) -> None:
    expired = Hold.objects.filter(
        account=account, state=Hold.State.OPEN, expires_at__lte=timezone.now()
    )
    for hold in expired:
        _release(account, hold)


def _check(account: Account, amount: Decimal) -> None:
    if account.use_before and account.is_dormant():
        raise Dormant(account.use_before, account.balance)
    if account.spendable >= amount:
        return
    if not account.pk or not account.entries.filter(kind__in=(Kind.GRANT, Kind.PURCHASE)).exists():
        raise NeverHadCredits
    raise NotEnough(amount, account.spendable)


def _check_limit(key: ApiKey, limit: Decimal, amount: Decimal) -> None:
    left = limit - spent_this_month(key)
    if left < amount:
        raise KeyLimitReached(amount, limit, max(left, ZERO))


def _credits(amount: Decimal, *, zero: bool = False) -> Decimal:
    """The amount with three decimals; raises InvalidAmount if it has more or is not positive."""
    if not amount.is_finite() or amount < 0 or (amount == 0 and not zero) or amount > MAX_BALANCE:
        raise InvalidAmount
    exact = amount.quantize(CREDIT_STEP)
    if exact != amount:
        raise InvalidAmount
    return exact
