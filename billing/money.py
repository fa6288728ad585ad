"""Money as Stripe counts it: whole numbers of a currency's smallest unit."""

from decimal import Decimal

# https://docs.stripe.com/currencies: all others have two decimals.
NO_DECIMALS = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def decimals(currency: str) -> int:
    if currency.lower() in NO_DECIMALS:
        return 0
    return 3 if currency.lower() in THREE_DECIMALS else 2


def to_minor(amount: Decimal, currency: str) -> int:
    """Raises ValueError for an amount that is no whole number of the smallest unit."""
    minor = amount.scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} {currency.upper()} has too many decimals.")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-decimals(currency))


def display(minor: int, currency: str) -> str:
    """`12.50 EUR`, `1,500 JPY`."""
    return f"{from_minor(minor, currency):,} {currency.upper()}"
