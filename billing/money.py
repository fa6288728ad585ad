"""Money as Stripe counts it: whole numbers of a currency's minor unit."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Unit:
    """How a currency's amounts are sent: times 10**decimals, in multiples of `step`."""

    decimals: int = 2
    step: int = 1

    @property
    def smallest(self) -> Decimal:
        """The smallest difference between two prices."""
        return self.step / Decimal(10) ** self.decimals


USUAL = Unit()
WHOLE = Unit(decimals=0)
# Whole amounts, sent times 100 because these currencies once had hundredths.
WHOLE_AS_HUNDREDTHS = Unit(decimals=2, step=100)
# Three decimals, of which payment partners take two: the last digit has to be 0.
THOUSANDTHS = Unit(decimals=3, step=10)

# From https://docs.stripe.com/currencies, for charges. UGX is also listed there without decimals,
# but its special case applies: 500 is 5 shillings.
UNITS: dict[str, Unit] = {
    "bif": WHOLE,
    "clp": WHOLE,
    "djf": WHOLE,
    "gnf": WHOLE,
    "jpy": WHOLE,
    "kmf": WHOLE,
    "krw": WHOLE,
    "mga": WHOLE,
    "pyg": WHOLE,
    "rwf": WHOLE,
    "vnd": WHOLE,
    "vuv": WHOLE,
    "xaf": WHOLE,
    "xof": WHOLE,
    "xpf": WHOLE,
    "isk": WHOLE_AS_HUNDREDTHS,
    "ugx": WHOLE_AS_HUNDREDTHS,
    "bhd": THOUSANDTHS,
    "jod": THOUSANDTHS,
    "kwd": THOUSANDTHS,
    "omr": THOUSANDTHS,
    "tnd": THOUSANDTHS,
    # Whole amounts only for payouts; charged with two decimals.
    "huf": USUAL,
    "twd": USUAL,
}


def unit(currency: str) -> Unit:
    return UNITS.get(currency.lower(), USUAL)


def to_minor(amount: Decimal, currency: str) -> int:
    """In minor units; raises ValueError for an amount that Stripe would refuse."""
    rule = unit(currency)
    minor = amount.scaleb(rule.decimals)
    if minor % rule.step:
        raise ValueError(
            f"{amount} {currency.upper()} cannot be charged: "
            f"prices in {currency.upper()} are multiples of {rule.smallest}."
        )
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    """As a Decimal with the currency's decimals; none for currencies with whole amounts only."""
    rule = unit(currency)
    amount = Decimal(minor).scaleb(-rule.decimals)
    return amount.to_integral_value() if rule.smallest == 1 and amount % 1 == 0 else amount


def display(minor: int, currency: str) -> str:
    """`12.50 EUR`, `1,500 JPY`."""
    return f"{from_minor(minor, currency):,} {currency.upper()}"
