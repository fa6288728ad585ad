"""How results are shown: tables, the machine's name, sections of docs/benchmarks.md, a plot."""

import importlib.metadata
import math
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from removal.engine import threads
from removal.engine.networks import cpu

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"
_PACKAGES = ("onnxruntime", "numpy", "opencv-python-headless", "pillow")
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5572", "#b8860b", "#4a4e69")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 440, 70, 150, 40, 60


def machine() -> str:
    """One line on what the figures were measured with."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    fast = ", ".join(sorted(cpu.flags() & cpu.FAST_INT8)) or "none"
    return (
        f"{_processor()}, {threads.count()} threads, 8-bit kernels: {fast}; "
        f"{platform.system()}, Python {platform.python_version()}, {packages}."
    )


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns also line up in a terminal; numbers to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def verdicts(found: Sequence[tuple[str, bool, str]]) -> tuple[str, bool]:
    """A line for each (what was found, whether it holds, what is wanted), and whether all hold."""
    lines = [
        f"    {said}, {'as' if holds else 'NOT as'} wanted: {want}" for said, holds, want in found
    ]
    return "\n".join(lines), all(holds for _, holds, _ in found)


def write_section(name: str, text: str) -> None:
    """Replace what stands between the section's markers in docs/benchmarks.md."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} has no section {name!r}.")
    PAGE.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}")


def plot(
    path: Path, title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]
) -> None:
    """An SVG of lines over megapixels; both axes logarithmic."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    axis_x, axis_y = _Axis(xs, _LEFT, _WIDTH - _RIGHT), _Axis(ys, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{title}</text>',
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 14}" '
        'text-anchor="middle">megapixels</text>',
        f'<text x="16" y="{_TOP - 8}">{unit}</text>',
        *_grid(sorted(set(xs)), axis_x, axis_y),
    ]
    for index, (name, points) in enumerate(series.items()):
        parts += _line(name, points, _COLOURS[index % len(_COLOURS)], index, axis_x, axis_y)
    path.write_text("\n".join([*parts, "</svg>\n"]))


class _Axis:
    """Values on a logarithmic scale from `start` to `stop` in the drawing."""

    def __init__(self, values: Sequence[float], start: float, stop: float) -> None:
        self.low, self.high = math.log2(min(values)), math.log2(max(values))
        self.start, self.stop = start, stop

    def at(self, value: float) -> float:
        share = (math.log2(value) - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.stop - self.start), 1)

    def powers_of_two(self) -> list[float]:
        return [2.0**power for power in range(math.ceil(self.low), math.floor(self.high) + 1)]


def _grid(xs: Sequence[float], axis_x: _Axis, axis_y: _Axis) -> list[str]:
    lines = []
    for x in xs:
        at = axis_x.at(x)
        lines.append(f'<path d="M{at} {axis_y.start}V{axis_y.stop}" stroke="#ddd"/>')
        lines.append(f'<text x="{at}" y="{axis_y.start + 18}" text-anchor="middle">{x:g}</text>')
    for y in axis_y.powers_of_two():
        at = axis_y.at(y)
        lines.append(f'<path d="M{axis_x.start} {at}H{axis_x.stop}" stroke="#ddd"/>')
        lines.append(f'<text x="{axis_x.start - 8}" y="{at + 4}" text-anchor="end">{y:g}</text>')
    return lines


def _line(
    name: str,
    points: Sequence[tuple[float, float]],
    colour: str,
    index: int,
    axis_x: _Axis,
    axis_y: _Axis,
) -> list[str]:
    path = " ".join(f"{axis_x.at(x)},{axis_y.at(y)}" for x, y in points)
    legend = _TOP + 12 + 20 * index
    edge = _WIDTH - _RIGHT + 16
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<path d="M{edge} {legend}h22" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{edge + 28}" y="{legend + 4}">{name}</text>',
    ]
