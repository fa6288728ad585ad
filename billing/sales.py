"""The only code that changes a purchase, and its credits with it.

Every function reads the purchase behind the account's lock and is idempotent in any order: Stripe
delivers events twice, late and shuffled.
"""

import logging
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User

from . import stripe_gateway, validity
from .entries import exact, lock, write
from .errors import NotAcceptable, TooManyPurchases
from .ledger import account_for
from .models import ZERO, Account, LedgerEntry, PackPrice, Purchase, Reversal
from .pricing import CREDIT_STEP
from .stripe_objects import Payment, Takeback

log = logging.getLogger(__name__)
State = Purchase.State
ABANDONED_AFTER = timedelta(days=90)
PURCHASES_PER_HOUR = 20  # each creates a row here and a session at Stripe


@exact
def start(user: User, price: PackPrice) -> Purchase:
    """Record a new purchase at today's price; raises TooManyPurchases."""
    account = lock(account_for(user).pk)
    now, hour = timezone.now(), timedelta(hours=1)
    begun = account.purchases.filter(created_at__gt=now - hour).values_list("created_at", flat=True)
    if len(begun) >= PURCHASES_PER_HOUR:
        raise TooManyPurchases(min(begun) + hour - now)
    return Purchase.objects.create(
        account=account,
        pack_name=price.pack.name,
        credits=price.pack.credits,
        validity_days=price.pack.validity_days,
        currency=price.currency,
        amount=price.minor,
    )


def uncredited() -> QuerySet[Purchase]:
    """Payments that wait for staff: to be refunded, or accepted."""
    return Purchase.objects.filter(state=State.UNCREDITED)


def forget_abandoned() -> int:
    """Delete old unpaid purchases: their Checkout session was open for only a day."""
    begun = Purchase.objects.filter(created_at__lt=timezone.now() - ABANDONED_AFTER, paid_at=None)
    abandoned = begun.filter(state__in=(State.STARTED, State.EXPIRED, State.FAILED), reversals=None)
    return abandoned.delete()[1].get("billing.Purchase", 0)


@exact
def record_session(purchase: Purchase, session_id: str) -> None:
    """Stripe opened a Checkout session for this purchase."""
    lock(purchase.account_id)
    Purchase.objects.filter(pk=purchase.pk, session_id=None).update(session_id=session_id)


@exact
def record_payment(purchase: Purchase, payment: Payment) -> None:
    """Grant the credits of a paid purchase, once, unless staff have to check it first."""
    account = _lock_for(purchase)
    if purchase.paid_at is not None:
        _tell_if_paid_twice(purchase, payment)
        return
    purchase.session_id = payment.session_id
    purchase.payment_intent = payment.payment_intent
    purchase.amount_paid = purchase.amount if payment.total is None else payment.total
    purchase.paid_at = timezone.now()
    purchase.problem = _problem_with(account, purchase, payment)
    if purchase.problem:
        log.error("Purchase %s was paid without credits: %s", purchase.reference, purchase.problem)
        purchase.state = State.UNCREDITED
        purchase.save()
        _balance_reversals(account, purchase)
    else:
        _credit(account, purchase)


@exact
def accept(purchase: Purchase) -> None:
    """Staff grant the credits of a mismatched payment; raises NotAcceptable."""
    account = _lock_for(purchase)
    if purchase.state != State.UNCREDITED or account.user_id is None:
        raise NotAcceptable
    _credit(account, purchase)


def return_payment(purchase: Purchase) -> None:
    """Refund at Stripe a payment that gave no credits; raises GatewayError, or NotAcceptable."""
    if purchase.state != State.UNCREDITED or not purchase.payment_intent:
        raise NotAcceptable
    takeback, made_at = stripe_gateway.refund(purchase)
    record_reversal(purchase, Reversal.Kind.REFUND, takeback, made_at)


@exact
def record_unpaid(purchase: Purchase, state: Purchase.State) -> None:
    """Record a payment as pending, failed or abandoned. Never undoes a payment."""
    _lock_for(purchase)
    earlier = {State.PENDING: (State.STARTED,)}.get(state, (State.STARTED, State.PENDING))
    if purchase.state in earlier:
        purchase.state = state
        purchase.save(update_fields=["state"])


@exact
def record_reversal(
    purchase: Purchase, kind: Reversal.Kind, takeback: Takeback, reported_at: datetime
) -> None:
    """Record a refund or a dispute that was opened, updated or closed."""
    account = _lock_for(purchase)
    if takeback.status not in Reversal.STAGES:
        log.error("%s has a status unknown to us: %s", takeback.stripe_id, takeback.status)
    if takeback.currency != purchase.currency:
        log.error("%s is not in the currency of its purchase", takeback.stripe_id)
    news = Reversal(
        purchase=purchase,
        kind=kind,
        stripe_id=takeback.stripe_id,
        amount=takeback.amount,
        currency=takeback.currency,
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


def _problem_with(account: Account, purchase: Purchase, payment: Payment) -> str:
    """Why this payment must not give credits; "" if it matches the order.

    Taxes and discounts set up at Stripe are allowed; the rest has to be the price. Amounts that
    Stripe does not report are not checked: we set the price when we opened the session.
    """
    if account.user_id is None:
        return Purchase.Problem.CLOSED
    livemode = stripe_gateway.livemode()
    unlike = (
        payment.currency not in ("", purchase.currency),
        payment.subtotal not in (None, purchase.amount),
        payment.total is not None and payment.total < purchase.amount - payment.discount,
        None not in (payment.livemode, livemode) and payment.livemode != livemode,
    )
    return Purchase.Problem.MISMATCH if any(unlike) else ""


def _tell_if_paid_twice(purchase: Purchase, payment: Payment) -> None:
    if purchase.session_id != payment.session_id:
        log.error("Purchase %s was paid again, by %s", purchase.reference, payment.session_id)


def _credit(account: Account, purchase: Purchase) -> None:
    purchase.state, purchase.problem = State.PAID, ""
    validity.extend(account, purchase)
    purchase.save()
    account.save(update_fields=["use_before", "pack_name"])
    kind = LedgerEntry.Kind.PURCHASE
    write(account, kind, amount=purchase.credits, purchase=purchase, reason=purchase.pack_name)
    _balance_reversals(account, purchase)


def _balance_reversals(account: Account, purchase: Purchase) -> None:
    """Adjust a purchase's credits or state to the amount refunded or disputed."""
    if purchase.state in (State.UNCREDITED, State.RETURNED):
        gone = purchase.amount_reversed >= purchase.amount_paid > 0
        purchase.state = State.RETURNED if gone else State.UNCREDITED
        purchase.save(update_fields=["state"])
    elif purchase.state == State.PAID:
        _balance_credits(account, purchase)


def _balance_credits(account: Account, purchase: Purchase) -> None:
    """Adjust the credits taken back, the shortfall and the use-before date."""
    stood = purchase.stands
    change = _credits_gone(purchase) - purchase.credits_reversed - purchase.shortfall
    if change > 0:
        _take(account, purchase, change)
    elif change < 0:
        _give_back(account, purchase, -change)
    if stood and not purchase.stands:
        validity.withdraw(account, purchase)
    elif purchase.stands and not stood:
        validity.restore(account, purchase)


def _credits_gone(purchase: Purchase) -> Decimal:
    if not purchase.amount_paid:
        return ZERO
    share = purchase.credits * purchase.amount_reversed / purchase.amount_paid
    return share.quantize(CREDIT_STEP, rounding=ROUND_HALF_UP)


def _take(account: Account, purchase: Purchase, wanted: Decimal) -> None:
    """Held credits cannot be taken back yet: they are a shortfall until they are released."""
    taken = min(wanted, account.spendable)
    purchase.credits_reversed += taken
    _record_shortfall(account, purchase, wanted - taken)
    if taken:
        write(account, LedgerEntry.Kind.REVERSE, amount=-taken, purchase=purchase)


def _give_back(account: Account, purchase: Purchase, owed: Decimal) -> None:
    forgiven = min(owed, purchase.shortfall)
    purchase.credits_reversed -= owed - forgiven
    _record_shortfall(account, purchase, -forgiven)
    if owed > forgiven:
        write(account, LedgerEntry.Kind.RESTORE, amount=owed - forgiven, purchase=purchase)


def _record_shortfall(account: Account, purchase: Purchase, change: Decimal) -> None:
    purchase.shortfall += change
    purchase.save(update_fields=["credits_reversed", "shortfall"])
    account.shortfall += change
    account.save(update_fields=["shortfall"])
