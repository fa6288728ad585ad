"""Balances, the ledger that explains them, and holds. Only billing.ledger writes these rows."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnlyModel, AppendOnlyQuerySet

ZERO = Decimal("0.000")


def credit_field(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Decimal]":
    """Credits: thousandths are the smallest coin."""
    return models.DecimalField(verbose_name, max_digits=12, decimal_places=3, **options)


class Account(models.Model):
    """The running sum of an owner's ledger rows; a closed account keeps its rows, not its owner."""

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
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("credit account")
        verbose_name_plural = _("credit accounts")
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
        """Dormancy is computed, never written: the use-before day itself still counts."""
        return self.use_before is not None and self.use_before < (today or timezone.localdate())


class Hold(models.Model):
    """Credits set aside for one request, and what became of them."""

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
            # What the two clean-up tasks look for: few rows at any time.
            models.Index(
                fields=["expires_at"], condition=Q(state="open"), name="billing_hold_open"
            ),
            models.Index(
                fields=["settled_at"], condition=Q(state="settled"), name="billing_hold_undelivered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} ({self.state})"


class LedgerEntry(AppendOnlyModel):
    """One change of a balance or of what is held; never changed, never deleted."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("granted")
        PURCHASE = "purchase", _("bought")
        HOLD = "hold", _("held")
        RELEASE = "release", _("released")
        SETTLE = "settle", _("charged")
        REFUND = "refund", _("refunded")
        REMOVE = "remove", _("removed")

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
    request_id = models.CharField(_("request id"), max_length=64, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("acting staff"),
        null=True,
        on_delete=models.PROTECT,  # who moved money stays known: deactivate staff, don't delete
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
                    Q(kind__in=("grant", "purchase"), amount__gt=0, held_amount=0)
                    | Q(kind="remove", amount__lt=0, held_amount=0)
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
