"""The browser's twins of the engine: geometry, PNG, Delta PNG, ZIP, on the engine's own vectors."""

import base64
import io
import json
import zipfile
import zlib
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Page

from removal.engine.composing import natural_shadow, shadow
from removal.engine.composing.compose import foreground_box
from removal.engine.writing import delta_png, png
from tests.engine.shadows import scene
from tests.serving import ROOT

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (ROOT / "tests" / "vectors" / "geometry.json").read_text()
)
# the page asks for Delta PNG but does not offer it as a result
LAYOUTS = [row for row in VECTORS["layout"] if "output.format" not in row["parameters"]]
BOX = ("top", "left", "width", "height")
INTO_PAGE = """
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const textOf = (bytes) => {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
};
const load = (name) => import(`/static/js/pixels/${name}.js`);
"""  # noqa: E501


def in_page(page: Page, body: str, argument: object) -> Any:
    return page.evaluate(f"async (given) => {{ {INTO_PAGE} {body} }}", argument)


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pixels(data: str, height: int, width: int, channels: int = 4) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(data), np.uint8)
    return flat.reshape(height, width, channels)


def laid_out(page: Page, rows: list[dict[str, Any]]) -> list[Any]:
    """Of each row: canvas, content and drawn box, or the key of the sentence that refuses it."""
    found: list[Any] = in_page(
        page,
        """
        const { layout, parseMargin, parseTarget } = await load("geometry");
        const box = ([top, left, width, height]) => ({ top, left, width, height });
        const list = ({ top, left, width, height }) => [top, left, width, height];
        const placed = ({ picture, foreground, parameters: it }) =>
            layout(picture, box(foreground), {
                crop: it["result.crop_to_foreground"] === "true",
                margin: parseMargin(it["result.margin"] ?? "0"),
                target: it["result.target_size"] ? parseTarget(it["result.target_size"]) : null,
                alignment: it["result.vertical_alignment"] ?? "middle",
                format: "png",
                maxPixels: 50e6,
            });
        return given.map((row) => {
            try {
                const { canvas, content, drawn } = placed(row);
                return [canvas, list(content), list(drawn)];
            } catch (error) {
                return error.key;
            }
        });
        """,
        rows,
    )
    return found


def test_layout_agrees_with_the_engine(shared_page: Page) -> None:
    wanted = [[row["canvas"], row["content"], row["drawn"]] for row in LAYOUTS]
    names = [row["name"] for row in LAYOUTS]
    found = laid_out(shared_page, LAYOUTS)
    assert dict(zip(names, found, strict=True)) == dict(zip(names, wanted, strict=True))


def test_the_same_canvases_are_refused_as_by_the_engine(shared_page: Page) -> None:
    rows = VECTORS["refused"]
    assert laid_out(shared_page, rows) == ["error.resultTooLarge"] * len(rows)


def test_limited_size_agrees_with_the_engine(shared_page: Page) -> None:
    found = in_page(
        shared_page,
        """
        const { limitedSize } = await load("geometry");
        return given.map(({ size: [w, h], max_pixels }) => limitedSize(w, h, max_pixels));
        """,
        VECTORS["limited_size"],
    )
    assert found == [row["limited"] for row in VECTORS["limited_size"]]


@pytest.mark.parametrize("margin", ["-1px", "1", "1em", "1px 2px 3px 4px 5px", "1000001px"])
def test_malformed_margin_is_refused(shared_page: Page, margin: str) -> None:
    said = in_page(
        shared_page,
        """
        const { parseMargin } = await load("geometry");
        try { parseMargin(given); return "accepted"; } catch (error) { return error.key; }
        """,
        margin,
    )
    assert said == "error.margin"


def test_margins_without_room_are_refused(shared_page: Page) -> None:
    said = in_page(
        shared_page,
        """
        const { EMPTY_BOX, layout, parseMargin } = await load("geometry");
        const options = { margin: parseMargin("50%"), target: [100, 100], maxPixels: 5e7 };
        try { layout([10, 10], EMPTY_BOX, options); } catch (error) { return error.key; }
        """,
        None,
    )
    assert said == "error.marginTooLarge"


@st.composite
def cut_outs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """An original's RGB and a result's alpha, with clear, soft and solid parts."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    alpha = rng.choice(np.array([0, 0, 1, 12, 13, 128, 254, 255, 255], np.uint8), (height, width))
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), alpha


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut_outs())
def test_delta_is_restored_to_what_the_engine_makes_of_it(
    shared_page: Page, given_cut_out: tuple[np.ndarray, np.ndarray]
) -> None:
    original, alpha = given_cut_out
    soft = (alpha > 0) & (alpha < 255)
    coloured = original.copy()
    coloured[soft] = 255 - coloured[soft]  # the engine changes colours in the soft band alone
    delta = delta_png.encode(coloured, alpha)
    wanted = delta_png.decode(np.asarray(Image.open(io.BytesIO(delta))), original)
    height, width = alpha.shape
    opaque = np.dstack([original, np.full_like(alpha, 255)])
    found = in_page(
        shared_page,
        """
        const { restore } = await load("delta_png");
        const { delta, original, width, height } = given;
        const cutout = await restore(bytesOf(delta), { width, height, data: bytesOf(original) });
        return textOf(cutout.data);
        """,
        {
            "delta": text(delta),
            "original": text(opaque.tobytes()),
            "width": width,
            "height": height,
        },
    )
    assert np.array_equal(pixels(found, height, width), wanted)


def test_delta_of_another_picture_is_refused(shared_page: Page) -> None:
    delta = delta_png.encode(np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), np.uint8))
    refused = in_page(
        shared_page,
        """
        const { restore } = await load("delta_png");
        const other = { width: 2, height: 3, data: new Uint8Array(24) };
        return restore(bytesOf(given), other).then(() => false, () => true);
        """,
        text(delta),
    )
    assert refused


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("writer", ["engine", "pillow"])
def test_png_is_read_to_the_last_bit(shared_page: Page, channels: int, writer: str) -> None:
    rng = np.random.default_rng(channels)
    picture = rng.integers(0, 256, (37, 29, channels), dtype=np.uint8)
    picture[:10] = np.arange(29)[:, None]  # smooth rows, for which Pillow picks other filters
    if writer == "engine":
        content = png.encode(picture if channels > 1 else picture[..., 0])
    else:
        buffer = io.BytesIO()
        Image.fromarray(picture.squeeze()).save(buffer, "PNG")
        content = buffer.getvalue()
    found = in_page(
        shared_page,
        "const { decodePng } = await load('png');"
        "return textOf((await decodePng(bytesOf(given))).data);",
        text(content),
    )
    assert np.array_equal(pixels(found, 37, 29, channels), picture)


def streams() -> st.SearchStrategy[tuple[bytes, bytes]]:
    """Bytes with repetitions near and far, and a zlib stream of them in some writer's way."""
    pieces = st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 400)), max_size=30)
    content = pieces.map(lambda all_of: b"".join(piece * times for piece, times in all_of))

    def packed(content: bytes, level: int, strategy: int) -> tuple[bytes, bytes]:
        writer = zlib.compressobj(level, zlib.DEFLATED, 15, 8, strategy)
        return content, writer.compress(content) + writer.flush()

    strategies = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]
    return st.builds(packed, content, st.integers(0, 9), st.sampled_from(strategies))


INFLATE = """
const { inflate } = await load("inflate");
try { return textOf(inflate(bytesOf(given.stream), given.size)); } catch (error) { return null; }
"""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams())
def test_zlib_streams_are_inflated_to_what_they_were(
    shared_page: Page, pair: tuple[bytes, bytes]
) -> None:
    content, stream = pair
    given = {"stream": text(stream), "size": len(content)}
    assert base64.b64decode(in_page(shared_page, INFLATE, given)) == content


@pytest.mark.parametrize("level", [0, 1, 9])
def test_broken_zlib_streams_are_refused(shared_page: Page, level: int) -> None:
    content = np.random.default_rng(3).integers(0, 4, 2000, dtype=np.uint8).tobytes()
    stream = zlib.compress(content, level)
    broken = {
        "cut short": {"stream": text(stream[: len(stream) // 2]), "size": len(content)},
        "too long": {"stream": text(stream), "size": len(content) - 1},
        "too short": {"stream": text(stream), "size": len(content) + 1},
        "no header": {"stream": text(b"\0" + stream[1:]), "size": len(content)},
    }
    found = {name: in_page(shared_page, INFLATE, given) for name, given in broken.items()}
    assert found == dict.fromkeys(broken)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_written_png_is_read_by_others(shared_page: Page, channels: int) -> None:
    picture = np.random.default_rng(7).integers(0, 256, (31, 23, channels), dtype=np.uint8)
    found = in_page(
        shared_page,
        """
        const { encodePng } = await load("png");
        const { channels, data } = given;
        const picture = { width: 23, height: 31, channels, data: bytesOf(data) };
        return textOf(new Uint8Array(await (await encodePng(picture)).arrayBuffer()));
        """,
        {"channels": channels, "data": text(picture.tobytes())},
    )
    read = Image.open(io.BytesIO(base64.b64decode(found)))
    assert np.array_equal(np.asarray(read).reshape(picture.shape), picture)


def test_written_zip_is_read_by_others(shared_page: Page) -> None:
    found = in_page(
        shared_page,
        """
        const { zip } = await load("zip");
        const files = given.map(({ name, content }) => ({ name, blob: new Blob([content]) }));
        const archive = await zip(files);
        return textOf(new Uint8Array(await archive.arrayBuffer()));
        """,
        [{"name": "猫-切り抜き.png", "content": "first"}, {"name": "b.png", "content": ""}],
    )
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["猫-切り抜き.png", "b.png"]
        assert archive.read("猫-切り抜き.png") == b"first"


def test_foreground_is_found_by_the_engines_rule(shared_page: Page) -> None:
    alpha = np.zeros((9, 7), np.uint8)
    alpha[2, 3], alpha[6, 5], alpha[8, 6] = 13, 255, 12
    picture = np.dstack([np.zeros((9, 7, 3), np.uint8), alpha])
    found = in_page(
        shared_page,
        """
        const { foregroundBox } = await load("render");
        return foregroundBox({ width: 7, height: 9, data: bytesOf(given) });
        """,
        text(picture.tobytes()),
    )
    assert [found[side] for side in BOX] == [2, 3, 3, 5]


@pytest.mark.parametrize("kind", ["drop", "contact", "natural"])
def test_shadows_are_the_engines(shared_page: Page, kind: str) -> None:
    made = scene(7, (420, 310), "angular")
    box = foreground_box(made.alpha)
    cast = (
        natural_shadow.natural(made.rgb, made.alpha)
        if kind == "natural"
        else shadow.made(kind, made.alpha, box)
    )
    assert cast is not None
    height, width = made.alpha.shape
    opaque = np.full_like(made.alpha, 255)
    found = in_page(
        shared_page,
        """
        const { castOf } = await load("shadow");
        const { width, height, foreground, kind } = given;
        const picture = (data) => ({ width, height, data: bytesOf(data) });
        const cast = await castOf(kind, picture(given.cutout), foreground, picture(given.original));
        return { ...cast, opacities: Array.from(cast.opacities) };
        """,
        {
            "width": width,
            "height": height,
            "kind": kind,
            "foreground": dict(zip(BOX, astuple(box), strict=True)),
            "cutout": text(np.dstack([made.rgb, made.alpha]).tobytes()),
            "original": text(np.dstack([made.rgb, opaque]).tobytes()),
        },
    )
    assert found["size"] == list(cast.opacities.shape[::-1])
    assert found["left"] == pytest.approx(cast.left)
    assert found["top"] == pytest.approx(cast.top)
    assert found["step"] == pytest.approx(list(cast.step))
    opacities = np.reshape(found["opacities"], cast.opacities.shape)
    assert np.abs(opacities - cast.opacities).max() < 0.002


def test_such_photographs_have_no_natural_shadow_in_the_browser_either(shared_page: Page) -> None:
    made = scene(8, (120, 90))
    busy = np.random.default_rng(1).integers(0, 256, made.rgb.shape, dtype=np.uint8)
    found = in_page(
        shared_page,
        """
        const { castOf } = await load("shadow");
        const picture = (data) => ({ width: 120, height: 90, data: bytesOf(data) });
        const box = { top: 0, left: 0, width: 120, height: 90 };
        return castOf("natural", picture(given.cutout), box, picture(given.original));
        """,
        {
            "cutout": text(np.dstack([busy, made.alpha]).tobytes()),
            "original": text(np.dstack([busy, made.alpha]).tobytes()),
        },
    )
    assert found is None
