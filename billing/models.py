"""Balances, the ledger that explains them, and holds. Only billing.ledger writes these rows."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnlyModel, AppendOnlyQuerySet
from .money import display, to_minor

ZERO = Decimal("0.000")


def credit_field(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Decimal]":
    """An amount of credits, exact to a thousandth."""
    return models.DecimalField(verbose_name, max_digits=12, decimal_places=3, **options)


class Account(models.Model):
    """The running sum of an owner's ledger rows; a closed account keeps them without an owner."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="credit_account",
    )
    balance = credit_field(_("balance"), default=ZERO, editable=False)
    held = credit_field(_("held"), default=ZERO, editable=False)
    use_before = models.DateField(
        _("use before"), null=True, editable=False, help_text=_("Empty: never dormant.")
    )
    pack_name = models.CharField(_("credit pack"), max_length=100, blank=True, editable=False)
    shortfall = credit_field(
        _("shortfall"),
        default=ZERO,
        editable=False,
        help_text=_("Credits of payments that were taken back after the credits had been spent."),
    )
    low_balance_threshold = credit_field(
        _("mail below this balance"), null=True, editable=False, help_text=_("Empty: no mail.")
    )
    low_balance_mailed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("credit account")
        verbose_name_plural = _("credit accounts")
        permissions = [("move_credits", _("Can grant, remove and refund credits"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(held__gte=0) & Q(balance__gte=F("held")),
                name="billing_account_balance_covers_held",
            )
        ]

    def __str__(self) -> str:
        return str(self.user) if self.user else f"#{self.pk}"

    @property
    def spendable(self) -> Decimal:
        return self.balance - self.held

    def is_dormant(self, today: date | None = None) -> bool:
        """Dormancy is computed, never stored: the use-before day itself is still valid."""
        return self.use_before is not None and self.use_before < (today or timezone.localdate())


class Hold(models.Model):
    """Credits set aside for one request, with their state."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        RELEASED = "released", _("released")
        SETTLED = "settled", _("charged, not yet delivered")
        DELIVERED = "delivered", _("charged and delivered")
        REFUNDED = "refunded", _("refunded")

    CHARGED: ClassVar[tuple[State, ...]] = (State.SETTLED, State.DELIVERED)

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="holds"
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, "holds", null=True, verbose_name=_("API key")
    )
    amount = credit_field(_("amount"))
    request_id = models.CharField(_("request id"), max_length=64, blank=True, db_index=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    settled_at = models.DateTimeField(_("charged"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="billing_hold_not_negative")
        ]
        indexes = [
            # What the two clean-up jobs look for: few rows at any time.
            models.Index(
                fields=["expires_at"], condition=Q(state="open"), name="billing_hold_open"
            ),
            models.Index(fields=["api_key", "created_at"], name="billing_hold_of_key"),
            models.Index(
                fields=["settled_at"], condition=Q(state="settled"), name="billing_hold_undelivered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} ({self.state})"


class LedgerEntry(AppendOnlyModel):
    """One change of a balance or of the held credits; never changed, never deleted."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("granted")
        PURCHASE = "purchase", _("bought")
        HOLD = "hold", _("held")
        RELEASE = "release", _("released")
        SETTLE = "settle", _("charged")
        REFUND = "refund", _("refunded")
        REMOVE = "remove", _("removed")
        REVERSE = "reverse", _("payment taken back")
        RESTORE = "restore", _("payment restored")

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="entries"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount = credit_field(_("amount"), default=ZERO, help_text=_("Change of the balance."))
    held_amount = credit_field(_("held"), default=ZERO, help_text=_("Change of what is held."))
    balance_after = credit_field(_("balance after"))
    held_after = credit_field(_("held after"))
    hold = models.ForeignKey(
        Hold,
        verbose_name=_("hold"),
        null=True,
        on_delete=models.PROTECT,
        related_name="entries",
    )
    purchase = models.ForeignKey(
        "Purchase",
        verbose_name=_("purchase"),
        null=True,
        on_delete=models.PROTECT,
        related_name="entries",
    )
    request_id = models.CharField(_("request id"), max_length=64, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("acting staff"),
        null=True,
        on_delete=models.PROTECT,  # who moved money stays on record: deactivate staff, don't delete
        related_name="+",
    )
    created_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)

    objects = AppendOnlyQuerySet["LedgerEntry"].as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(held_after__gte=0) & Q(balance_after__gte=F("held_after")),
                name="billing_entry_balance_covers_held",
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind__in=("grant", "purchase", "restore"), amount__gt=0, held_amount=0)
                    | Q(kind__in=("remove", "reverse"), amount__lt=0, held_amount=0)
                    | Q(kind="refund", amount__gte=0, held_amount=0)
                    | Q(kind="hold", amount=0, held_amount__gte=0)
                    | Q(kind="release", amount=0, held_amount__lte=0)
                    | Q(kind="settle", amount__lte=0, held_amount__lte=0)
                ),
                name="billing_entry_sign_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

    @property
    def spendable_after(self) -> Decimal:
        return self.balance_after - self.held_after


class CreditPack(models.Model):
    """A credit pack for sale; its prices, one for each currency, are rows of PackPrice."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    credits = credit_field(_("credits"), validators=[MinValueValidator(Decimal(1))])
    validity_days = models.PositiveIntegerField(
        _("validity in days"),
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("Buying this pack keeps the whole balance usable for so long."),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("for sale"), default=True)

    class Meta:
        verbose_name = _("credit pack")
        verbose_name_plural = _("credit packs")
        ordering = ["position", "credits"]

    def __str__(self) -> str:
        return self.name


class PackPrice(models.Model):
    pack = models.ForeignKey(
        CreditPack, verbose_name=_("credit pack"), on_delete=models.CASCADE, related_name="prices"
    )
    currency = models.CharField(
        _("currency"), max_length=3, validators=[RegexValidator(r"^[a-z]{3}$")]
    )
    amount = models.DecimalField(
        _("price"), max_digits=10, decimal_places=3, validators=[MinValueValidator(Decimal("0.5"))]
    )

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["pack", "currency"], name="billing_one_price_per_currency"
            )
        ]

    def __str__(self) -> str:
        if self.is_chargeable:
            return display(self.minor, self.currency)
        return f"{self.amount:,} {self.currency.upper()}"

    @property
    def is_chargeable(self) -> bool:
        """False for prices set before the currency's coarser step was known."""
        try:
            return bool(self.minor)
        except ValueError:
            return False

    def clean(self) -> None:
        try:
            self.minor  # noqa: B018
        except ValueError as error:
            raise ValidationError({"amount": str(error)}) from None

    @property
    def minor(self) -> int:
        return to_minor(self.amount, self.currency)


class Purchase(models.Model):
    """One Stripe Checkout, from the click on Buy to the outcome of the payment."""

    class State(models.TextChoices):
        STARTED = "started", _("not paid yet")
        PENDING = "pending", _("payment on its way")
        PAID = "paid", _("paid")
        FAILED = "failed", _("payment failed")
        EXPIRED = "expired", _("abandoned")
        UNCREDITED = "uncredited", _("paid, without credits")
        RETURNED = "returned", _("paid back")

    class Problem(models.TextChoices):
        CLOSED = "closed", _("paid after the account was closed")
        MISMATCH = "mismatch", _("paid other than ordered")

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="purchases"
    )
    reference = models.UUIDField(_("reference"), default=uuid.uuid4, unique=True, editable=False)
    # Copied from the pack: what was sold does not change when the pack does.
    pack_name = models.CharField(_("credit pack"), max_length=100)
    credits = credit_field(_("credits"))
    validity_days = models.PositiveIntegerField(_("validity in days"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.PositiveBigIntegerField(_("price in the currency's smallest unit"))

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.STARTED)
    session_id = models.CharField(_("Checkout session"), max_length=255, null=True, unique=True)  # noqa: DJ001
    payment_intent = models.CharField(_("payment"), max_length=255, blank=True, db_index=True)
    amount_paid = models.PositiveBigIntegerField(_("paid, with taxes"), default=0)
    credits_reversed = credit_field(_("credits taken back"), default=ZERO)
    shortfall = credit_field(_("shortfall"), default=ZERO)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    paid_at = models.DateTimeField(_("paid"), null=True)
    problem = models.CharField(
        _("needs attention"),
        max_length=10,
        choices=Problem,
        blank=True,
        help_text=_("Why it was paid and gave no credits."),
    )
    # See billing.validity: the date this purchase sets, and the account's date without it.
    use_before = models.DateField(_("use before"), null=True)
    use_before_without = models.DateField(null=True)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.pack_name}, {self.price}"

    @property
    def price(self) -> str:
        return display(self.amount, self.currency)

    @property
    def paid(self) -> str:
        return display(self.amount_paid, self.currency)

    @property
    def stands(self) -> bool:
        """Paid, and not taken back as a whole."""
        gone = self.credits_reversed + self.shortfall
        return self.state == self.State.PAID and gone < self.credits

    @property
    def amount_reversed(self) -> int:
        """Refunded or disputed, at most what was paid."""
        gone = [row for row in self.reversals.all() if row.money_is_gone]
        return min(sum(map(self._in_our_currency, gone)), self.amount_paid)

    def _in_our_currency(self, reversal: "Reversal") -> int:
        """A reversal in another currency counts as the whole: its share cannot be computed."""
        same = reversal.currency in ("", self.currency)
        return reversal.amount if same else self.amount_paid

    @property
    def refunded(self) -> str:
        return display(self.amount_reversed, self.currency)


class Reversal(models.Model):
    """A refund, or a dispute at the payer's bank, with Stripe's latest status."""

    class Kind(models.TextChoices):
        REFUND = "refund", _("refund")
        DISPUTE = "dispute", _("dispute")

    # Each status: its stage, and whether the money is withdrawn. Events arrive in any order; a
    # later stage is never overwritten by an earlier one. An inquiry (warning_...) may become a
    # dispute, even after it was closed.
    STAGES: ClassVar[dict[str, tuple[int, bool]]] = {
        "": (0, True),  # some refunds have no status
        "pending": (0, True),
        "requires_action": (0, True),
        "succeeded": (1, True),
        "failed": (2, False),
        "canceled": (2, False),
        "warning_needs_response": (0, False),
        "warning_under_review": (1, False),
        "warning_closed": (2, False),
        "needs_response": (3, True),
        "under_review": (4, True),
        "lost": (5, True),
        "won": (5, False),
        "prevented": (5, False),
    }
    UNKNOWN: ClassVar[tuple[int, bool]] = (0, True)  # for a status that Stripe has added since

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="reversals")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    stripe_id = models.CharField(max_length=255, unique=True)
    amount = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3, blank=True)  # "": the purchase's
    status = models.CharField(_("state"), max_length=50, blank=True)
    # Stripe's time of the report: of two reports of the same stage the later one counts.
    reported_at = models.DateTimeField(_("reported"), default=timezone.now)

    class Meta:
        verbose_name = _("refund or dispute")
        verbose_name_plural = _("refunds and disputes")

    def __str__(self) -> str:
        return f"{self.stripe_id} ({self.status})"

    @property
    def stage(self) -> int:
        return self.STAGES.get(self.status, self.UNKNOWN)[0]

    @property
    def money_is_gone(self) -> bool:
        return self.STAGES.get(self.status, self.UNKNOWN)[1]


class StripeEvent(models.Model):
    """Every webhook delivery with a valid signature, stored before it is processed."""

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(_("type"), max_length=100)
    payload = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at Stripe"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed"), null=True)
    failures = models.PositiveIntegerField(_("failed attempts"), default=0)
    failed_at = models.DateTimeField(_("last failed"), null=True)
    error = models.CharField(_("why it failed"), max_length=500, blank=True)
    purchase = models.ForeignKey(
        Purchase, null=True, on_delete=models.SET_NULL, related_name="events"
    )

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        ordering = ["-received_at"]
        indexes = [
            # Events waiting for a retry: few at any time.
            models.Index(
                fields=["created_at"],
                condition=Q(processed_at=None),
                name="billing_event_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class AuditRun(models.Model):
    """When the ledger was audited, and how many faults were found."""

    at = models.DateTimeField(_("time"), default=timezone.now)
    faults = models.PositiveIntegerField(_("faults"))

    def __str__(self) -> str:
        return f"{self.faults} faults at {self.at:%Y-%m-%d %H:%M}"
