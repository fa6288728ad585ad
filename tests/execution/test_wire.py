"""What goes between processes arrives as it was sent."""

import json

import pytest

from removal.engine import Header, Hints, Options, Stroke
from removal.engine.hints import Scribble
from removal.engine.mending import Mending
from removal.errors import EngineUnavailable
from removal.execution import wire

HEADER = Header("JPEG", 1, (60, 40))


def there_and_back(options: Options) -> Options:
    order = wire.Order(options, HEADER, 7, False, 1000)
    return wire.load_order(wire.dump_order(order)).options


def test_hints_reach_the_engine_process():
    hints = Hints(keep=(Stroke(((1.5, 2.0), (3.0, 4.0)), 2.5),), remove=(Stroke(((9.0, 9.0),)),))
    options = Options(hints=hints, output_format="mask")
    assert there_and_back(options) == options


def test_labels_reach_it_too():
    options = Options(hints=Hints(labels=bytes(range(256))))
    assert there_and_back(options) == options


def test_so_do_scribbles_and_limits():
    scribbles = (
        Scribble("keep", Stroke(((1.0, 2.0),), 3.0)),
        Scribble("remove", Stroke(((4.0, 5.0),))),
    )
    mending = Mending("finish", (60, 40), scribbles, touched_up=True)
    order = wire.Order(Options(), HEADER, 7, True, 1000, mending)
    assert wire.load_order(wire.dump_order(order)) == order


def test_an_order_of_another_version_can_be_tried_again():
    with pytest.raises(EngineUnavailable):
        wire.load_order(json.dumps([{"Options": {}}, {"Header": {}}, 7]))
