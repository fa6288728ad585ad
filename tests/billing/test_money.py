"""Amounts as Stripe wants them sent: every special case of its page on currencies."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from billing.models import PackPrice
from billing.money import UNITS, display, from_minor, to_minor

WHOLE = [
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "vnd",
    "vuv",
    "xaf",
    "xof",
    "xpf",
]
THREE_DECIMALS = ["bhd", "jod", "kwd", "omr", "tnd"]


@pytest.mark.parametrize("currency", WHOLE)
def test_a_currency_without_cents_is_sent_as_it_is(currency):
    assert to_minor(Decimal("500"), currency) == 500
    assert display(500, currency) == f"500 {currency.upper()}"


@pytest.mark.parametrize("currency", ["isk", "ugx", "UGX"])
def test_whole_amounts_of_some_are_sent_with_two_noughts(currency):
    assert to_minor(Decimal("5"), currency) == 500
    assert to_minor(Decimal("5.000"), currency) == 500
    assert display(500, currency) == f"5 {currency.upper()}"


@pytest.mark.parametrize("currency", THREE_DECIMALS)
def test_the_last_of_three_decimals_is_a_nought(currency):
    assert to_minor(Decimal("5.12"), currency) == 5120
    assert display(5120, currency) == f"5.120 {currency.upper()}"


@pytest.mark.parametrize("currency", ["eur", "usd", "huf", "twd", "gbp", "inr"])
def test_all_others_have_two_decimals_paid_out_whole_or_not(currency):
    assert to_minor(Decimal("12.34"), currency) == 1234
    assert display(123456, currency) == f"1,234.56 {currency.upper()}"


@pytest.mark.parametrize(
    ("amount", "currency", "smallest"),
    [
        ("1500.5", "jpy", "1"),
        ("5.50", "isk", "1"),
        ("5.01", "ugx", "1"),
        ("5.124", "kwd", "0.01"),
        ("9.999", "eur", "0.01"),
    ],
)
def test_a_price_that_stripe_would_refuse_is_refused_with_the_step(amount, currency, smallest):
    price = PackPrice(currency=currency, amount=Decimal(amount))
    with pytest.raises(ValidationError) as refused:
        price.clean()
    assert refused.value.messages[0].endswith(f" are multiples of {smallest}.")


def test_what_was_once_charged_in_fractions_is_shown_with_them():
    assert display(550, "isk") == "5.50 ISK"


@given(st.sampled_from([*UNITS, "eur"]), st.integers(0, 10**7))
def test_an_amount_survives_the_way_there_and_back(currency, whole):
    assert from_minor(to_minor(Decimal(whole), currency), currency) == whole
