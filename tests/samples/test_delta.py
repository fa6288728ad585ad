"""The decoders that the Delta PNG page shows, on pictures whose cut-out is known.

tests/vectors/delta_png: an original, its delta as the engine writes it and once more with every
kind of PNG filter in two pieces, and the cut-out that both stand for.
"""

import json
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from removal.engine.writing import delta_png

from .programs import SAMPLES, node

VECTORS = Path(__file__).parent.parent / "vectors" / "delta_png"
DELTAS = ("delta.png", "delta-all-filters.png")
RESTORE = """
import { readFileSync } from "node:fs";
import { restore } from "MODULE";
const { delta, width, height, rgba } = JSON.parse(readFileSync(0, "utf-8"));
const data = Uint8ClampedArray.from(rgba);
const result = await restore(readFileSync(delta), { width, height, data });
console.log(JSON.stringify([...result.data]));
"""


def pixels(name: str) -> np.ndarray:
    with Image.open(VECTORS / name) as image:
        return np.asarray(image.convert("RGBA"))


def restored_by_node(
    delta: Path, original: np.ndarray, folder: Path
) -> subprocess.CompletedProcess:
    height, width = original.shape[:2]
    program = folder / "restore.mjs"
    program.write_text(RESTORE.replace("MODULE", (SAMPLES / "delta.mjs").as_uri()))
    asked = {
        "delta": str(delta),
        "width": width,
        "height": height,
        "rgba": original.ravel().tolist(),
    }
    return subprocess.run(
        [node(), str(program)], input=json.dumps(asked), capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("delta", DELTAS)
def test_python_decoder_restores_the_cut_out(delta):
    sample = runpy.run_path(str(SAMPLES / "delta.py"))
    original = (VECTORS / "original.png").read_bytes()
    result = sample["restore"]((VECTORS / delta).read_bytes(), original)
    assert np.array_equal(np.asarray(result), pixels("cut-out.png"))


@pytest.mark.parametrize("delta", DELTAS)
def test_javascript_decoder_restores_the_cut_out(delta, tmp_path):
    done = restored_by_node(VECTORS / delta, pixels("original.png"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == pixels("cut-out.png").ravel().tolist()


def test_javascript_decoder_refuses_another_picture(tmp_path):
    done = restored_by_node(VECTORS / "delta.png", pixels("original.png")[:-1], tmp_path)
    assert done.returncode != 0
    assert "another picture" in done.stderr


def test_the_pictures_are_as_the_engine_writes_and_reads_them():
    original, cut_out = pixels("original.png")[..., :3], pixels("cut-out.png")
    assert np.array_equal(delta_png.mark(cut_out[..., :3], cut_out[..., 3]), pixels("delta.png"))
    assert np.array_equal(delta_png.decode(pixels("delta.png"), original), cut_out)
