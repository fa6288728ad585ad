"""What goes between processes arrives as it was sent."""

import json

from removal.engine import Header, Hints, Options, Stroke
from removal.engine.hints import Scribble
from removal.engine.mending import Mending
from removal.execution import wire


def test_hints_reach_the_engine_process():
    hints = Hints(keep=(Stroke(((1.5, 2.0), (3.0, 4.0)), 2.5),), remove=(Stroke(((9.0, 9.0),)),))
    options = Options(hints=hints, output_format="mask")
    assert wire.load_options(wire.dump_options(options)) == options


def test_labels_reach_it_too():
    options = Options(hints=Hints(labels=bytes(range(256))))
    assert wire.load_options(json.loads(json.dumps(wire.dump_options(options)))) == options


def test_so_do_scribbles_and_orders_of_an_older_web_tier():
    scribbles = (
        Scribble("keep", Stroke(((1.0, 2.0),), 3.0)),
        Scribble("remove", Stroke(((4.0, 5.0),))),
    )
    mending = Mending("finish", (60, 40), scribbles, touched_up=True)
    order = wire.Order(Options(), Header("JPEG", 1, (60, 40)), 7, mending)
    assert wire.load_order(wire.dump_order(order)) == order
    plain = wire.Order(Options(), Header("JPEG", 1, (60, 40)), 7)
    assert wire.load_order(json.dumps(json.loads(wire.dump_order(plain))[:3])) == plain
