"""The price of a picture: pure Decimal arithmetic, no Django, no database."""

from decimal import ROUND_HALF_UP, Decimal

CREDIT_STEP = Decimal("0.001")
BASE = Decimal("0.05")
PER_MEGAPIXEL = Decimal("0.05")
MEGAPIXEL = Decimal(1_000_000)


def price(
    pixels: int,
    *,
    base: Decimal = BASE,
    per_megapixel: Decimal = PER_MEGAPIXEL,
    factor: Decimal = Decimal(1),
) -> Decimal:
    """The price in credits of a picture with `pixels` pixels, after max_pixels has been applied.

    factor: of the network that the picture takes.

    >>> price(1_000_000)
    Decimal('0.100')
    """
    if pixels < 0:
        raise ValueError(f"A picture cannot have {pixels} pixels.")
    exact = (base + per_megapixel * pixels / MEGAPIXEL) * factor
    return exact.quantize(CREDIT_STEP, rounding=ROUND_HALF_UP)
