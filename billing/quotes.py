"""What a picture costs in money: for the pricing page."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import ledger, money
from .models import PackPrice

SIGNIFICANT = 2  # digits of a price that is smaller than the currency's smallest coin

# Currencies that people reading a page in this language pay in most often, likeliest first.
BY_LANGUAGE = {"en": ("usd", "eur", "gbp"), "ja": ("jpy",)}


@dataclass(frozen=True, slots=True)
class UsualSize:
    """A size in which pictures often come."""

    title: str | Promise
    width: int
    height: int

    @property
    def credits(self) -> Decimal:
        return ledger.price_of(self.width * self.height)


USUAL_SIZES = (
    UsualSize(_("Web shop, 1000 × 1000"), 1000, 1000),
    UsualSize(_("Phone photo, 12 megapixels"), 4032, 3024),
    UsualSize(_("Camera photo, 24 megapixels"), 6000, 4000),
)


def ordered(currencies: list[str], language: str) -> list[str]:
    """The currencies of the language first."""
    usual = BY_LANGUAGE.get(language.partition("-")[0], ())
    first = [code for code in usual if code in currencies]
    return first + [code for code in currencies if code not in usual]


def of_pack(price: PackPrice) -> list[tuple[UsualSize, str]]:
    """The money for one picture of each usual size, bought in this pack."""
    each = price.amount / price.pack.credits
    return [(size, _display(each * size.credits, price.currency)) for size in USUAL_SIZES]


def _display(amount: Decimal, currency: str) -> str:
    """In the currency's decimals, or more where two significant digits need them."""
    smallest = money.unit(currency).smallest
    needed = Decimal(1).scaleb(amount.adjusted() + 1 - SIGNIFICANT)
    rounded = amount.quantize(min(smallest.normalize(), needed), rounding=ROUND_HALF_UP)
    return f"{rounded:,f} {currency.upper()}"
