"""Any text in any parameter is read, or refused with a sentence; so are layouts that follow."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from removal.api.removebg import parameters as removebg_parameters
from removal.engine import EngineError, InvalidOption, Options, parse_options
from removal.engine.geometry import Box, layout, region_box
from removal.engine.options import MAX_RESULT_PIXELS
from removal.failures import translate

# What lengths, colours, sizes and shares are made of, and what might be taken for it.
PIECES = st.sampled_from(
    [
        *"0159+-.,%#eE_ \t\n\x00\x1c\u2007\u3000", "px", "PX", "%%", "original", "center", "NaN",
        "Infinity", "1e9", "0x10", "999999", "9" * 40, "fff", "00ff00", "#FFFFFF", "red",
        "transparent", "١", "½", "𝟙", "ｐｘ",
    ]
)  # fmt: skip
TEXT = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60))
SIDES = st.integers(1, 40)
V2 = ["result.margin", "result.target_size", "background.color", "max_pixels"]
REMOVEBG = ["roi", "bg_color", "crop_margin", "scale", "position", "size"]


@st.composite
def pictures(draw):
    """A picture's size and a foreground in it, which may be empty."""
    width, height = draw(SIDES), draw(SIDES)
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    inner = st.integers(0, width - left), st.integers(0, height - top)
    box = Box(top, left, draw(inner[0]), draw(inner[1]))
    return (width, height), box if box else Box()


def read_v2(fields):
    try:
        return parse_options(fields)
    except InvalidOption as refusal:
        check_sentence(refusal.parameter, refusal.message, fields)
        return None


def read_removebg(fields):
    try:
        return removebg_parameters.read_options(fields)
    except removebg_parameters.Refusal as refusal:
        check_sentence(refusal.name.removeprefix("invalid_"), refusal.message, fields)
        return None


def check_sentence(parameter, message, fields):
    """It names what was wrong and what is allowed."""
    assert parameter in fields
    assert message.startswith(f"{parameter}: ")
    assert "Allowed: " in message


def lay_out(options: Options, size, foreground):
    """Every way in which the geometry may refuse is one of the engine's errors."""
    try:
        if options.region is not None:
            region_box(size, options.region)
        placed = layout(size, foreground, options)
    except EngineError as refusal:
        failure = translate(refusal)
    else:
        check_layout(placed, options)
        return
    assert (failure.status, failure.message[-1:]) == (400, ".")


def check_layout(placed, options):
    width, height = placed.canvas_size
    assert 0 < width * height <= MAX_RESULT_PIXELS
    assert 0 <= placed.drawn.left <= width - placed.drawn.width
    assert 0 <= placed.drawn.top <= height - placed.drawn.height


@pytest.mark.parametrize("name", V2)
@settings(max_examples=300)
@given(text=TEXT)
@example(text="9" * 400 + "px")
@example(text="#" + "f" * 400)
def test_v2_reads_or_refuses(name, text):
    read_v2({name: text})


@pytest.mark.parametrize("name", REMOVEBG)
@settings(max_examples=300)
@given(text=TEXT)
@example(text="9" * 400 + "%")
def test_removebg_reads_or_refuses(name, text):
    read_removebg({name: text, "crop": "true"})


LENGTHS = st.from_regex(r"(0|([0-9]{1,6}(\.[0-9]{1,6})?|\.[0-9]{1,6})(px|%))\Z")


@settings(max_examples=300)
@given(
    margin=st.lists(LENGTHS, min_size=1, max_size=4).map(" ".join),
    target=st.none() | st.tuples(st.integers(1, 10**8), st.integers(1, 10**8)),
    crop=st.booleans(),
    picture=pictures(),
)
def test_whatever_v2_reads_is_laid_out_or_refused(margin, target, crop, picture):
    fields = {"result.margin": margin, "result.crop_to_foreground": str(crop)}
    if target:
        fields["result.target_size"] = "{} {}".format(*target)
    options = read_v2(fields)
    if options is not None:
        lay_out(options, *picture)


SHARES = st.decimals(0, 100, places=3).map(lambda share: f"{share}%")


@settings(max_examples=300)
@given(
    roi=st.none() | st.lists(LENGTHS, min_size=4, max_size=4).map(" ".join),
    crop_margin=st.none() | LENGTHS,
    scale=st.none() | SHARES,
    position=st.none() | st.lists(SHARES, min_size=1, max_size=2).map(" ".join),
    crop=st.booleans(),
    picture=pictures(),
)
def test_whatever_removebg_reads_is_laid_out_or_refused(picture, crop, **fields):
    named = {name: text for name, text in fields.items() if text is not None}
    options = read_removebg(named | {"crop": str(crop)})
    if options is not None:
        lay_out(options, *picture)
