"""What goes between processes arrives as it was sent."""

import json

from removal.engine import Hints, Options, Stroke
from removal.execution import wire


def test_hints_reach_the_engine_process():
    hints = Hints(keep=(Stroke(((1.5, 2.0), (3.0, 4.0)), 2.5),), remove=(Stroke(((9.0, 9.0),)),))
    options = Options(hints=hints, output_format="mask")
    assert wire.load_options(wire.dump_options(options)) == options


def test_labels_reach_it_too():
    options = Options(hints=Hints(labels=bytes(range(256))))
    assert wire.load_options(json.loads(json.dumps(wire.dump_options(options)))) == options
