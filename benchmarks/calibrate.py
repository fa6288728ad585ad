"""Measures the ranges of ISNet's activations on photos: the engine's networks/calibration.json.

    .venv/bin/python -m benchmarks.calibrate PHOTOS

PHOTOS is a folder of pictures; docs/models.md lists those that the committed table is from. Needed
again only when the published network changes: afterwards put the new SHA-256 of the built files,
which the script prints, into removal/engine/networks/catalog.py. Takes about 3 GiB and a minute.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing
import onnx
from tqdm import tqdm

from removal.engine.matting import predict as mask
from removal.engine.networks import quantise, tensors, weights
from removal.engine.networks.catalog import BUILDS, MODELS
from removal.engine.networks.recipes import HALF
from removal.engine.networks.runtime import ort

Floats = np.typing.NDArray[np.float32]
MODEL = MODELS["isnet"]
FLOAT_STAGES = ["/side1", "/Resize_5", "/Sigmoid"]  # the last steps decide the alpha
# Rare peaks would coarsen the code of everything else: cutting the outermost 0.01 % of the values
# made the int8 matte's distance from fp32's ten times smaller than keeping the full range.
QUANTILES = (0.0001, 0.9999)
SAMPLE = 400_000  # values of an activation that are looked at per photo, evenly spread


def measure(model: onnx.ModelProto, photos: list[Path]) -> dict[str, list[float]]:
    """The widest range, over the photos, of every activation's values within QUANTILES."""
    names = quantise.activations(model)
    source = model.graph.input[0].name
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        onnx.save(_with_outputs(model, names[1:]), file.name)
        session = ort.InferenceSession(file.name, providers=["CPUExecutionProvider"])
    ranges = {name: [0.0, 0.0] for name in names}
    for photo in tqdm(photos, unit="photo"):
        tensor = _tensor(photo)
        values = dict(zip(names, [tensor, *session.run(names[1:], {source: tensor})], strict=True))
        for name, value in values.items():
            low, high = np.quantile(_sample(value), QUANTILES)
            ranges[name] = [min(ranges[name][0], float(low)), max(ranges[name][1], float(high))]
    return {name: [float(f"{bound:.6g}") for bound in bounds] for name, bounds in ranges.items()}


def _tensor(photo: Path) -> Floats:
    bgr = cv2.imread(str(photo), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SystemExit(f"{photo} is no picture.")
    rgb = np.ascontiguousarray(bgr[:, :, ::-1])
    return tensors.normalise(mask.stretch(rgb, MODEL.recipe.side), HALF)


def _sample(values: Floats) -> Floats:
    return values.ravel()[:: max(1, values.size // SAMPLE)]


def _with_outputs(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    result = onnx.ModelProto()
    result.CopyFrom(model)
    present = {output.name for output in result.graph.output}
    result.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in present
    )
    return result


def main() -> None:
    photos = sorted(Path(sys.argv[1]).iterdir())
    published = (weights.models_dir() / f"{MODEL.name}.published.onnx").read_bytes()
    model = quantise.to_float32(onnx.load_from_string(published))
    table = {"float_stages": FLOAT_STAGES, "ranges": measure(model, photos)}
    lines = json.dumps(table, indent=1, sort_keys=True)
    weights.CALIBRATION.write_text(lines + "\n", encoding="ascii")
    for build in BUILDS.values():
        if build.model == MODEL.name:
            digest = hashlib.sha256(weights.build_bytes(build, published)).hexdigest()
            print(f"{build.name} {digest}")


if __name__ == "__main__":
    main()
