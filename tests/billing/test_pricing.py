"""The price of a picture: fractional, three decimals, half up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import price


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (0, "0.050"),
        (1, "0.050"),
        (9_999, "0.050"),
        (10_000, "0.051"),  # 0.0505 is rounded half up
        (29_999, "0.051"),
        (30_000, "0.052"),  # half to even would say 0.052 here, and 0.050 above
        (1_000_000, "0.100"),
        (1_920 * 1_080, "0.154"),
        (25_000_000, "1.300"),
    ],
)
def test_price(pixels, expected):
    assert price(pixels) == Decimal(expected)


def test_a_price_always_has_three_decimals():
    assert str(price(1_000_000)) == "0.100"


def test_a_site_sets_its_own_constants():
    assert price(2_000_000, base=Decimal(1), per_megapixel=Decimal("0.25")) == Decimal("1.500")


def test_a_networks_factor_is_applied_before_rounding():
    assert price(10_000, factor=Decimal("2.5")) == Decimal("0.126")  # 0.0505 x 2.5 = 0.12625
    assert price(1, factor=Decimal("0.01")) == Decimal("0.001")


def test_a_negative_size_is_a_mistake():
    with pytest.raises(ValueError, match="-1 pixels"):
        price(-1)


@given(st.integers(0, 32_000_000), st.integers(0, 32_000_000))
def test_more_pixels_never_cost_less(a, b):
    assert (price(a) <= price(b)) == (a <= b) or price(a) == price(b)


@given(st.integers(0, 32_000_000))
def test_rounding_moves_a_price_by_at_most_half_a_thousandth(pixels):
    exact = Decimal("0.05") + Decimal("0.05") * pixels / 1_000_000
    assert abs(price(pixels) - exact) <= Decimal("0.0005")
