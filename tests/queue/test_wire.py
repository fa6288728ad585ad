"""What travels between web tier and workers comes out as it went in."""

import json
from decimal import Decimal

import pytest

from removal import engine, errors, failures
from removal.engine import errors as engine_errors
from removal.engine.networks import guard, opening
from removal.execution import wire

PIXELS = engine.Length(Decimal("12.5"))
ERRORS = [
    engine_errors.UnreadableImage(),
    engine_errors.TooManyPixels(40_000_000, 32_000_000),
    engine_errors.InvalidOption("result.margin", "9x", "lengths"),
    engine_errors.RegionOutside("roi", "1 2 3 4", "inside"),
    engine_errors.RegionEmpty("roi", "1 2 1 2", "something"),
    engine_errors.UnreadableBackground("The background is no picture."),
    engine_errors.DeltaWouldShrink(26_000_000, 25_000_000),
    engine_errors.ResultTooLarge((70_000, 3), "65,500"),
    engine_errors.Cancelled(),
    engine_errors.ModelUnavailable("fetch it"),
    guard.MemoryInUse("20 MiB are free"),
    opening.NotHalved("its output holds values that are no numbers"),
    errors.EngineUnavailable(detail="the storage is away"),
    errors.TooManyBytes.over(5),
]


def there_and_back(answer: wire.Answer) -> wire.Answer:
    return wire.load_answer(wire.dump_answer(answer))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors(error):
    arrived = there_and_back(wire.Failed(error))
    assert isinstance(arrived, wire.Failed)
    assert type(arrived.error) is type(error)
    assert str(arrived.error) == str(error)
    assert vars(arrived.error) == vars(error)
    assert type(failures.translate(arrived.error)) is type(failures.translate(error))


def test_every_error_of_the_engine_is_among_those_with_a_code_of_its_own():
    kinds = list(wire._descendants(engine.EngineError))
    assert set(kinds) - {type(error) for error in ERRORS} == {engine.EngineError}
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_an_error_of_another_version_can_be_tried_again():
    """While workers of two versions live, one may end with what the other has never heard of."""
    newer = json.dumps({"failed": "too_blue", "says": "The image is too blue.", "state": []})
    arrived = wire.load_answer(newer)
    assert isinstance(arrived, wire.Failed)
    assert isinstance(arrived.error, errors.EngineUnavailable)
    assert arrived.error.retry_after
    assert "too_blue: The image is too blue." in arrived.error.detail


@pytest.mark.parametrize("error", [errors.WorkInterrupted(), errors.ClientGone()])
def test_an_error_that_shares_its_code_says_the_same(error):
    arrived = there_and_back(wire.Failed(error))
    assert isinstance(arrived, wire.Failed)
    assert isinstance(arrived.error, errors.RemovalError)
    told = arrived.error
    assert (told.status, told.code, told.message) == (error.status, error.code, error.message)


def test_facts():
    facts = engine.Facts("JPEG", 6, (30, 40), (30, 40), engine.Box(1, 2, 3, 4), engine.Box())
    done = wire.Done("image/png", facts, {"decode": 0.25, "mask": 1.5})
    assert there_and_back(done) == done


def test_what_nobody_foresaw():
    assert there_and_back(wire.Broken("KeyError('x')")) == wire.Broken("KeyError('x')")


@pytest.mark.parametrize(
    "options",
    [
        engine.Options(),
        engine.Options(
            max_pixels=100,
            background=(1, 2, 3),
            background_alpha=7,
            crop_to_foreground=True,
            margin=engine.Margin(PIXELS, engine.Length(Decimal(3), percent=True)),
            target_size=(5, 6),
            region=engine.Region(PIXELS, PIXELS, PIXELS, PIXELS),
            scale=Decimal("33.3"),
            position=(Decimal(1), Decimal("2.5")),
            output_format="webp",
            jpeg_quality=1,
            watermark=True,
        ),
    ],
)
def test_options(options):
    order = wire.Order(options, engine.Header("PNG", 1, (3, 4)), 5, True, 6)
    assert wire.load_order(wire.dump_order(order)) == order
