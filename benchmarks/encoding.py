"""Our PNG beside Pillow's at its fastest, and delta PNG beside PNG, on finished cut-outs.

    python -m benchmarks.encoding                     cut-outs of the project's own samples, 25 MP
    python -m benchmarks.encoding PHOTO ...           of other pictures, at their own size
    python -m benchmarks.encoding --write             also into docs/benchmarks.md

Each picture is cut out once; then the encoders take turns on the same pixels, and medians are
compared. The limits below are for the median picture (fur, soft all over, makes a larger delta than
a portrait or a product); the exit status is 1 where one is not kept.
"""

import argparse
import io
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from removal.engine import Options, remove_background
from removal.engine.canvas import Canvas
from removal.engine.options import OutputFormat
from removal.engine.writing import encode

from . import report
from .engine import seconds
from .photos import photo

SAMPLES = ("astronaut", "chelsea", "coffee")  # a portrait, an animal, a product
MEGAPIXELS = 25
MOST_TIME = 1 / 8  # of Pillow's at compress_level 1
MOST_SIZE = 1.05  # of Pillow's at compress_level 1
MOST_DELTA = 0.45  # of the PNG's bytes


@dataclass(frozen=True, slots=True)
class Row:
    """Median seconds and bytes of one cut-out in each encoding."""

    name: str
    megapixels: float
    png: tuple[float, int]
    pillow: tuple[float, int]
    delta: tuple[float, int]

    @property
    def ratios(self) -> tuple[float, float, float, float]:
        """PNG to Pillow's in time and size, delta PNG to PNG in time and size."""
        return (
            self.png[0] / self.pillow[0],
            self.png[1] / self.pillow[1],
            self.delta[0] / self.png[0],
            self.delta[1] / self.png[1],
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    args = parser.parse_args()
    pictures = ((path.stem, path.read_bytes()) for path in args.photos) if args.photos else _own()
    rows = []
    for name, data in pictures:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows.append(_measure(name, _cut_out(data), args.repeats))
    text, kept = told(rows)
    print(text)
    if args.write:
        report.write_section("encoding", f"{report.machine()}\n\n{text}")
    return 0 if kept else 1


def _own() -> Iterable[tuple[str, bytes]]:
    return ((name, photo(MEGAPIXELS, name)) for name in SAMPLES)


def _cut_out(data: bytes) -> Canvas:
    with Image.open(io.BytesIO(remove_background(data, Options(output_format="png")).content)) as c:
        pixels = np.asarray(c.convert("RGBA"))
    return Canvas(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]))


def _measure(name: str, canvas: Canvas, repeats: int) -> Row:
    assert canvas.alpha is not None
    picture = Image.fromarray(np.dstack([canvas.rgb, canvas.alpha]))

    def ours(output_format: OutputFormat) -> Callable[[], bytes]:
        return lambda: encode.encode(canvas, Options(output_format=output_format))[0]

    def pillow() -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    encoders = (ours("png"), pillow, ours("delta_png"))
    sizes = [len(encoder()) for encoder in encoders]
    rounds = [[seconds(encoder) for encoder in encoders] for _ in range(repeats)]
    medians = [statistics.median(times) for times in zip(*rounds, strict=True)]
    png, theirs, delta = zip(medians, sizes, strict=True)
    return Row(name, canvas.size[0] * canvas.size[1] / 1e6, png, theirs, delta)


def told(rows: list[Row]) -> tuple[str, bool]:
    """The section of the page, and whether the median picture keeps every limit."""
    head = ("cut-out", "MP", "PNG s", "Pillow s", "time", "size", "delta / PNG time", "bytes")
    cells = [
        (row.name, f"{row.megapixels:.1f}", f"{row.png[0]:.3f}", f"{row.pillow[0]:.3f}",
         *(f"{ratio:.3f}" for ratio in row.ratios))
        for row in rows
    ]  # fmt: skip
    time_, size, delta_time, delta = (
        statistics.median(ratios) for ratios in zip(*(row.ratios for row in rows), strict=True)
    )
    verdicts = [
        (f"PNG's time / Pillow's {time_:.3f}", time_ <= MOST_TIME, "at most 0.125"),
        (f"PNG's size / Pillow's {size:.3f}", size <= MOST_SIZE, "at most 1.05"),
        (f"delta PNG's time / PNG's {delta_time:.3f}", delta_time < 1, "below 1"),
        (f"delta PNG's bytes / PNG's {delta:.3f}", delta <= MOST_DELTA, "at most 0.45"),
    ]
    lines, kept = report.verdicts(verdicts)
    return f"{report.table(head, cells)}\n\n{lines}", kept


if __name__ == "__main__":
    sys.exit(main())
