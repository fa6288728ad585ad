"""Reading parameters: what is allowed is read exactly, everything else is a clear refusal."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from removal.engine.errors import InvalidOption
from removal.engine.options import (
    PARAMETERS,
    Length,
    Margin,
    Options,
    parse_bool,
    parse_colour,
    parse_margin,
    parse_options,
    parse_target_size,
)


def test_defaults_are_the_contracts():
    assert parse_options({}) == Options(
        max_pixels=25_000_000,
        background=None,
        crop_to_foreground=False,
        margin=Margin(),
        target_size=None,
        vertical_alignment="middle",
        output_format="auto",
        jpeg_quality=75,
        watermark=False,
    )


def test_empty_is_absent_and_unknown_is_ignored():
    fields = {parameter.name: " " for parameter in PARAMETERS} | {"frobnicate": "yes"}
    assert parse_options(fields) == Options()


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "1", "yes", "YES", "on", "t", " true "])
def test_true_words(word):
    assert parse_bool("test", word) is True


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "off", "F"])
def test_false_words(word):
    assert parse_bool("test", word) is False


BAD = [
    ("test", "maybe"),
    ("test", "2"),
    ("max_pixels", "99"),
    ("max_pixels", "25000001"),
    ("max_pixels", "1e6"),
    ("max_pixels", "１０００"),
    ("background.color", "FFFFFF"),
    ("background.color", "#FFF"),
    ("background.color", "white"),
    ("background.color", "#GGGGGG"),
    ("result.crop_to_foreground", "ja"),
    ("result.margin", "10"),
    ("result.margin", "-1px"),
    ("result.margin", "+1px"),
    ("result.margin", "1 px"),
    ("result.margin", "1em"),
    ("result.margin", "1px 2px 3px 4px 5px"),
    ("result.margin", "1px,2px"),
    ("result.margin", "1000001px"),
    ("result.target_size", "800"),
    ("result.target_size", "800x600"),
    ("result.target_size", "0 600"),
    ("result.target_size", "800 600 2"),
    ("result.vertical_alignment", "center"),
    ("output.format", "gif"),
    ("output.jpeg_quality", "0"),
    ("output.jpeg_quality", "101"),
    ("output.jpeg_quality", "7.5"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_values_name_parameter_value_and_what_is_allowed(name, value):
    with pytest.raises(InvalidOption) as caught:
        parse_options({name: value})
    assert caught.value.parameter == name
    assert name in caught.value.message
    assert "Allowed: " in caught.value.message


def test_margin_follows_css_order():
    def px(*values):
        return Margin(*(Length(Decimal(value)) for value in values))

    assert parse_margin("m", "1px") == px(1, 1, 1, 1)
    assert parse_margin("m", "1px 2px") == px(1, 2, 1, 2)
    assert parse_margin("m", "1px 2px 3px") == px(1, 2, 3, 2)
    assert parse_margin("m", "1px 2px 3px 4px") == px(1, 2, 3, 4)
    assert parse_margin("m", "0\t1.5% .5%") == Margin(
        Length(), Length(Decimal("1.5"), True), Length(Decimal("0.5"), True),
        Length(Decimal("1.5"), True),
    )  # fmt: skip


def test_colour_and_target_are_read():
    assert parse_colour("c", "#0aFf80") == (10, 255, 128)
    assert parse_target_size("t", " 800  600 ") == (800, 600)


def test_auto_is_jpeg_only_with_a_background():
    assert parse_options({}).resolved_format == "png"
    assert parse_options({"background.color": "#000000"}).resolved_format == "jpeg"
    chosen = parse_options({"background.color": "#000000", "output.format": "png"})
    assert chosen.resolved_format == "png"


@given(st.sampled_from([parameter.name for parameter in PARAMETERS]), st.text(max_size=40))
def test_any_text_is_read_or_refused_clearly(name, value):
    with contextlib.suppress(InvalidOption):
        assert isinstance(parse_options({name: value}), Options)
