"""The ledger's errors, one class for each reason.

BillingError
├── CannotSpend               the account cannot pay (HTTP 402)
│   ├── NeverHadCredits 1008  the account never had any
│   ├── Dormant         1010  its credits are past their use-before date
│   └── NotEnough       1011  it has fewer than are needed
│       └── KeyLimitReached       the key may not spend so much this month
├── HoldGone            1201  the hold was released before it could be settled (HTTP 503)
├── InvalidAmount             not a positive number of credits with at most 3 decimals
├── NotRefundable             nothing was charged, or it was refunded already
├── NotAcceptable             the payment needs no decision by staff, or allows none
└── TooManyPurchases          too many begun in the last hour (HTTP 429)
"""

from datetime import date, timedelta
from decimal import Decimal
from math import ceil


class BillingError(Exception):
    """`message` is a public sentence; those with a `code` have an HTTP `status` too."""

    message: str

    def __init__(self, message: str = "") -> None:
        if message:
            self.message = message
        super().__init__(self.message)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the finished message: the constructor's arguments are not kept."""
        return Exception.__new__, (type(self), *self.args), vars(self)


class CannotSpend(BillingError):
    status = 402
    code: int


class NeverHadCredits(CannotSpend):
    code = 1008
    message = (
        "This account has never had credits. Buy a credit pack, or send test=true for a free, "
        "watermarked result."
    )


class Dormant(CannotSpend):
    code = 1010

    def __init__(self, use_before: date, balance: Decimal) -> None:
        super().__init__(
            f"Your {balance} credits are dormant: they expired on {use_before}. "
            "Buying any credit pack reactivates them."
        )


class NotEnough(CannotSpend):
    code = 1011

    def __init__(self, need: Decimal, spendable: Decimal) -> None:
        self.need, self.spendable = need, spendable
        super().__init__(
            f"Not enough credits: this needs {need}, your balance is {spendable}. "
            "Buy a credit pack, or lower max_pixels."
        )


class KeyLimitReached(NotEnough):
    def __init__(self, need: Decimal, limit: Decimal, left: Decimal) -> None:
        super().__init__(need, left)
        self.message = (
            f"This needs {need} credits, and {left} are left of this API key's {limit} a month. "
            "Raise the key's limit on your API keys page, or use another key."
        )
        self.args = (self.message,)


class HoldGone(BillingError):
    status = 503
    code = 1201
    message = "The request took too long and was not charged. Please try again."


class InvalidAmount(BillingError):
    message = "The amount must be a positive number of credits with at most 3 decimals."


class NotRefundable(BillingError):
    message = "This was not charged, or it has been refunded already."


class NotAcceptable(BillingError):
    message = "This payment needs no decision, or this decision is not possible."


class TooManyPurchases(BillingError):
    message = "Too many purchases were begun in the last hour. Please try again later."

    def __init__(self, wait: timedelta) -> None:
        self.retry_after = ceil(wait.total_seconds())
        super().__init__()
