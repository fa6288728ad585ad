"""The chart of requests a day: bars and axes in the units of an SVG drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from removal.usage import Usage

LEFT, TOP = 70, 44  # room for the numbers and the unit
HEIGHT = 200  # of a bar that reaches the uppermost line
BOTTOM = TOP + HEIGHT
STEP, THICKNESS = 20, 14  # from day to day, and of a bar
DAYS_A_MARK = 7
MOST_STEPS = 4  # between the lines across


@dataclass(frozen=True, slots=True)
class Day:
    """One bar."""

    date: date
    requests: int
    errors: int
    credits: Decimal
    x: int
    y: float
    error_y: float
    marked: bool

    @property
    def middle(self) -> float:
        return self.x + THICKNESS / 2

    @property
    def height(self) -> float:
        return BOTTOM - self.y

    @property
    def error_height(self) -> float:
        return BOTTOM - self.error_y


@dataclass(frozen=True, slots=True)
class Line:
    """A line across at a round number of requests."""

    value: int
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    days: Sequence[Day]
    lines: Sequence[Line]
    left: int = LEFT
    bottom: int = BOTTOM
    thickness: int = THICKNESS

    @property
    def right(self) -> int:
        return LEFT + STEP * len(self.days)

    @property
    def busiest(self) -> Day:
        return max(self.days, key=lambda day: day.requests)


def draw(usage: Mapping[date, Usage], first: date, number: int) -> Chart:
    """The chart of `number` days from `first` on; those that `usage` lacks are empty."""
    values = _round_values(max((row.requests for row in usage.values()), default=0))
    unit = HEIGHT / values[-1]
    days = [_day(usage, first + timedelta(days=at), at, unit) for at in range(number)]
    return Chart(days, [Line(value, BOTTOM - value * unit) for value in values])


def _day(usage: Mapping[date, Usage], day: date, at: int, unit: float) -> Day:
    row = usage.get(day, Usage())
    return Day(
        date=day,
        requests=row.requests,
        errors=row.errors,
        credits=row.credits,
        x=LEFT + at * STEP + (STEP - THICKNESS) // 2,
        y=BOTTOM - row.requests * unit,
        error_y=BOTTOM - row.errors * unit,
        marked=at % DAYS_A_MARK == 1,  # of 30 days the second, and so the last
    )


def _round_values(highest: int) -> list[int]:
    """0 and up to four more: multiples of 1, 2 or 5 times a power of ten, up to the highest."""
    for power in count():
        for digit in (1, 2, 5):
            step = digit * 10**power
            if highest <= step * MOST_STEPS:
                steps = max(1, -(-highest // step))
                return [step * number for number in range(steps + 1)]
    raise AssertionError("unreachable: powers of ten have no end")
