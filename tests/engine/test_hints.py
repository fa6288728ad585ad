"""Hints: how they are read and drawn, what is refused, and that without them nothing changes."""

import json

import cv2
import numpy as np
import pytest

from removal.engine import (
    Hints,
    InvalidOption,
    Options,
    Stroke,
    remove_background,
)
from removal.engine.__main__ import main
from removal.engine.hints import MAX_POINTS, MAX_STROKES, check, drawn, fitted, parse_hints


def test_points_and_strokes_are_read():
    text = '{"keep": [[1, 2]], "remove": [{"points": [[3, 4], [5.5, 6]], "radius": 2}]}'
    assert parse_hints("hints", text) == Hints(
        keep=(Stroke(((1.0, 2.0),)),), remove=(Stroke(((3.0, 4.0), (5.5, 6.0)), 2.0),)
    )


@pytest.mark.parametrize(
    "text",
    [
        "x", "[]", "null", "1", '{"keep": 1}', '{"keep": [1]}', '{"keep": [[1]]}',
        '{"keep": [["1", 2]]}', '{"keep": [[true, 2]]}', '{"keep": [[NaN, 2]]}', '{"spare": []}',
        '{"keep": [[1e999, 2]]}', '{"keep": [{"points": []}]}', '{"keep": [{"radius": 2}]}',
        '{"keep": [{"points": [[1, 2]], "radius": "2"}]}', "[" * 100_000, "9" * 5000,
        '{"keep": [[' + "9" * 400 + ", 2]]}", " " * 300_000,
    ],
)  # fmt: skip
def test_what_is_no_hint_is_refused(text):
    with pytest.raises(InvalidOption, match="hints"):
        parse_hints("hints", text)


def test_too_many_are_refused():
    point = [1, 1]
    with pytest.raises(InvalidOption, match="at most"):
        parse_hints("hints", json.dumps({"keep": [point] * (MAX_STROKES + 1)}))
    with pytest.raises(InvalidOption, match="at most"):
        parse_hints("hints", json.dumps({"keep": [{"points": [point] * (MAX_POINTS + 1)}]}))
    with pytest.raises(InvalidOption, match="at most"):
        parse_hints("hints", json.dumps({"keep": [point] * 1_000_000}))


@pytest.mark.parametrize(
    "hints",
    [
        Hints(keep=(Stroke(((100, 10),)),)),
        Hints(keep=(Stroke(((-1, 10),)),)),
        Hints(remove=(Stroke(((10, 50),)),)),
        Hints(keep=(Stroke(((10, 10),), 13),)),
        Hints(keep=(Stroke(((10, 10),), 0),)),
        Hints(keep=(Stroke(((10, 10),), 5),), remove=(Stroke(((14, 10),), 5),)),
    ],
)
def test_what_does_not_fit_the_picture_is_refused(hints):
    with pytest.raises(InvalidOption, match="hints"):
        check(hints, (100, 50))


@pytest.mark.parametrize("size", [(1000, 500), (100, 50), (5000, 2500), (10, 5), (1, 1)])
def test_hints_are_where_they_were_put_at_any_size(size):
    hints = Hints(keep=(Stroke(((250, 125),)),), remove=(Stroke(((700, 100), (700, 400)), 20),))
    keep, remove = fitted(drawn(hints, (1000, 500)), size)
    assert keep.shape == remove.shape == size[::-1]
    assert keep.any()
    assert not (keep & remove).any()
    if min(size) > 5:
        assert keep[size[1] // 4, size[0] // 4]
        assert remove[size[1] // 2, int(size[0] * 0.7)]
        assert not remove[size[1] // 2, int(size[0] * 0.75)]


def photo():
    rgb = np.full((240, 320, 3), (60, 90, 70), np.uint8)
    cv2.circle(rgb, (90, 120), 45, (50, 60, 190), -1)
    cv2.circle(rgb, (235, 120), 40, (180, 80, 60), -1)
    rgb = np.clip(rgb + np.random.default_rng(1).normal(0, 4, rgb.shape), 0, 255).astype(np.uint8)
    return cv2.imencode(".png", rgb)[1].tobytes()


def alpha_of(result):
    return cv2.imdecode(np.frombuffer(result.content, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("max_pixels", [25_000_000, 20_000])
def test_a_point_keeps_one_object_and_another_drops_one(max_pixels):
    hints = Hints(keep=(Stroke(((90, 120),)),), remove=(Stroke(((235, 120),)),))
    options = Options(output_format="mask", hints=hints, max_pixels=max_pixels)
    alpha = alpha_of(remove_background(photo(), options))
    scale = alpha.shape[1] / 320
    kept, dropped = (alpha[int(120 * scale), int(x * scale)] for x in (75, 250))
    assert kept > 250
    assert dropped < 5


def labels(colours, ground):
    """A PNG of photo()'s size: two dots on a ground."""
    marks = np.full((240, 320, np.size(ground)), ground, np.uint8)
    for place, colour in zip([(90, 120), (235, 120)], colours, strict=True):
        cv2.circle(marks, place, 3, colour, -1)
    return cv2.imencode(".png", marks)[1].tobytes()


BGRA = labels([(60, 255, 30, 255), (30, 20, 255, 255)], (0, 0, 0, 0))
GREY = labels([(255,), (0,)], (128,))
SMALLER = cv2.imencode(
    ".png", cv2.resize(cv2.imdecode(np.frombuffer(GREY, np.uint8), 0), (107, 80))
)[1].tobytes()


@pytest.mark.parametrize("png", [BGRA, GREY, SMALLER], ids=["rgba", "grey", "smaller"])
def test_a_picture_says_the_same_as_strokes(png):
    options = Options(output_format="mask", hints=Hints(labels=png))
    alpha = alpha_of(remove_background(photo(), options))
    assert alpha[120, 75] > 250
    assert alpha[120, 250] < 5


def test_grey_alone_says_nothing():
    grey = Hints(labels=labels([(128,), (128,)], (128,)))
    plain = remove_background(photo(), Options())
    assert remove_background(photo(), Options(hints=grey)).content == plain.content


def test_labels_and_strokes_are_either_or():
    with pytest.raises(InvalidOption, match="either"):
        check(Hints(keep=(Stroke(((1, 1),)),), labels=GREY), (320, 240))


def test_no_hints_are_no_change_to_the_byte():
    plain = remove_background(photo(), Options())
    assert remove_background(photo(), Options(hints=Hints())).content == plain.content


def test_the_command_line_reads_a_file_of_hints(tmp_path, capsys):
    source, target, said = tmp_path / "in.png", tmp_path / "out.png", tmp_path / "hints"
    source.write_bytes(photo())
    said.write_bytes(GREY)
    assert main([str(source), str(target), "--hints", str(said)]) == 0
    labelled = Options(hints=Hints(labels=GREY))
    assert target.read_bytes() == remove_background(photo(), labelled).content
    said.write_text('{"keep": [[90, 120]], "remove": [[235, 120]]}')
    assert main([str(source), str(target), "--hints", str(said)]) == 0
    options = Options(hints=parse_hints("hints", said.read_text()))
    assert target.read_bytes() == remove_background(photo(), options).content
    said.write_text('{"keep": [[900, 120]]}')
    assert main([str(source), str(target), "--hints", str(said)]) == 1
    assert "inside the picture" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(tmp_path), str(tmp_path / "out"), "--hints", str(said)])
