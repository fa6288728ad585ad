"""What becomes of a purchase: the only code that changes one, and its credits with it.

Every function reads the purchase behind the account's lock and may be told the same thing any
number of times, in any order: Stripe delivers events twice, late and shuffled.
"""

import logging
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User

from .ledger import account_for, exact, lock, write
from .models import ZERO, Account, LedgerEntry, PackPrice, Purchase, Reversal
from .pricing import CREDIT_STEP
from .stripe_objects import Takeback

log = logging.getLogger(__name__)
State = Purchase.State


def start(user: User, price: PackPrice) -> Purchase:
    """Remember what is about to be sold, at today's price."""
    return Purchase.objects.create(
        account=account_for(user),
        pack_name=price.pack.name,
        credits=price.pack.credits,
        validity_days=price.pack.validity_days,
        currency=price.currency,
        amount=price.minor,
    )


@exact
def record_session(purchase: Purchase, session_id: str) -> None:
    """Stripe opened a Checkout session for this purchase."""
    lock(purchase.account_id)
    Purchase.objects.filter(pk=purchase.pk, session_id=None).update(session_id=session_id)


@exact
def record_payment(purchase: Purchase, session: dict[str, Any]) -> None:
    """Stripe was paid: the credits are granted, once."""
    account = _lock_for(purchase)
    if purchase.state == State.PAID:
        return
    purchase.session_id = session["id"]
    purchase.payment_intent = session.get("payment_intent") or ""
    purchase.amount_paid = session.get("amount_total") or 0
    purchase.state, purchase.paid_at = State.PAID, timezone.now()
    purchase.save()
    _wake(account, purchase)
    write(
        account,
        LedgerEntry.Kind.PURCHASE,
        amount=purchase.credits,
        purchase=purchase,
        reason=purchase.pack_name,
    )
    _balance_reversals(account, purchase)


@exact
def record_unpaid(purchase: Purchase, state: Purchase.State) -> None:
    """Not paid (yet): pending, failed or abandoned. Never undoes a payment or goes back."""
    _lock_for(purchase)
    earlier = {State.PENDING: (State.STARTED,)}.get(state, (State.STARTED, State.PENDING))
    if purchase.state in earlier:
        purchase.state = state
        purchase.save(update_fields=["state"])


@exact
def record_reversal(
    purchase: Purchase, kind: Reversal.Kind, takeback: Takeback, reported_at: datetime
) -> None:
    """A refund or a dispute was opened, went on or ended."""
    account = _lock_for(purchase)
    if takeback.status not in Reversal.STAGES:
        log.error("%s has a status unknown to us: %s", takeback.stripe_id, takeback.status)
    news = Reversal(
        purchase=purchase,
        kind=kind,
        stripe_id=takeback.stripe_id,
        amount=takeback.amount,
        status=takeback.status,
        reported_at=reported_at,
    )
    known = Reversal.objects.filter(stripe_id=takeback.stripe_id).first()
    if known is None or (news.stage, reported_at) >= (known.stage, known.reported_at):
        news.pk = known.pk if known else None
        news.save()
    _balance_reversals(account, purchase)


def _lock_for(purchase: Purchase) -> Account:
    account = lock(purchase.account_id)
    purchase.refresh_from_db()
    return account


def _wake(account: Account, purchase: Purchase) -> None:
    """One use-before date for the whole balance: a purchase moves it forward, never back."""
    until = timezone.localdate() + timedelta(days=purchase.validity_days)
    account.use_before = max(account.use_before or until, until)
    account.pack_name = purchase.pack_name
    account.save(update_fields=["use_before", "pack_name"])


def _balance_reversals(account: Account, purchase: Purchase) -> None:
    """Make the credits taken back, and the shortfall, fit the money that is gone."""
    if purchase.state != State.PAID:
        return
    change = _credits_gone(purchase) - purchase.credits_reversed - purchase.shortfall
    if change > 0:
        _take(account, purchase, change)
    elif change < 0:
        _give_back(account, purchase, -change)


def _credits_gone(purchase: Purchase) -> Decimal:
    if not purchase.amount_paid:
        return ZERO
    share = purchase.credits * purchase.amount_reversed / purchase.amount_paid
    return share.quantize(CREDIT_STEP, rounding=ROUND_HALF_UP)


def _take(account: Account, purchase: Purchase, wanted: Decimal) -> None:
    taken = min(wanted, account.spendable)
    _record_shortfall(account, purchase, wanted - taken)
    if taken:
        purchase.credits_reversed += taken
        write(account, LedgerEntry.Kind.REVERSE, amount=-taken, purchase=purchase)
    purchase.save(update_fields=["credits_reversed", "shortfall"])


def _give_back(account: Account, purchase: Purchase, owed: Decimal) -> None:
    forgiven = min(owed, purchase.shortfall)
    _record_shortfall(account, purchase, -forgiven)
    if owed > forgiven:
        purchase.credits_reversed -= owed - forgiven
        write(account, LedgerEntry.Kind.RESTORE, amount=owed - forgiven, purchase=purchase)
    purchase.save(update_fields=["credits_reversed", "shortfall"])


def _record_shortfall(account: Account, purchase: Purchase, change: Decimal) -> None:
    if change:
        purchase.shortfall += change
        account.shortfall += change
        account.save(update_fields=["shortfall"])
