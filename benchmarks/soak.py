"""Whether memory stays flat and nothing is left behind: a server at its limit of concurrency.

    make soak                          300 requests of mixed sizes and formats
    make soak ARGS="--minutes 30"      as many as half an hour takes

As many clients as the server has slots send pictures from 0.25 to 25 megapixels in every format,
one after another, every third under an Idempotency-Key, so that its result is kept. After each 50
requests the server's resident memory is noted. The exit status is 0 where memory after the last 50
is within 5 % of that after the first 50, every answer was a 200, the ledger's audit finds nothing
and, once all that is kept has been purged, no file and no row of work is left. --write puts the
table into docs/benchmarks.md.
"""

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import report
from .photos import photo
from .site import Site

SIZES = (0.25, 1, 3, 6, 12, 25)
# Large pictures are rarer, as in life; the first fifty hold one of each kind all the same.
WEIGHTS = (6, 8, 4, 3, 2, 1)
FORMATS = ("auto", "png", "jpeg", "webp", "delta_png", "mask", "zip")
EVERY = 50
KEEP_EVERY = 3
FLAT = 1.05
# As if the time of all that is kept were over; prints the rows of work that are there even so.
PURGE = """
from datetime import timedelta
from django.utils import timezone
from billing.models import Hold
from removal import idempotency
from removal.models import KeyedRequest, LeaseRow
later = timezone.now() + timedelta(days=1000)
idempotency.purge(later)
open_holds = Hold.objects.filter(state=Hold.State.OPEN)
print(KeyedRequest.objects.count() + LeaseRow.objects.count() + open_holds.count())
"""


@dataclass(slots=True)
class Course:
    """What was seen so far."""

    answers: Counter[int] = field(default_factory=Counter)
    memory: list[tuple[int, float, float]] = field(default_factory=list)  # requests, seconds, MiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--minutes", type=float, help="in place of a number of requests")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    args = parser.parse_args()
    print(report.machine(), flush=True)
    with Site(REMOVAL_SLOTS=str(args.slots), REMOVAL_THREADS="1") as site:
        course = _soak(site, args)
        kept, audit, rows_left = _files(site), site.audit(), site.python(PURGE).strip()
        files_left = _files(site)
    rows = [(str(n), f"{seconds:.0f}", f"{mib:.0f}") for n, seconds, mib in course.memory]
    text = report.table(("requests", "seconds", "resident MiB"), rows)
    first, last = course.memory[0][2], course.memory[-1][2]
    lines = [
        f"last / first {last / first:.3f}",
        "answers " + ", ".join(f"{n} x {status}" for status, n in sorted(course.answers.items())),
        f"files kept {kept}, left after the purge {files_left}; rows left {rows_left}",
        audit.strip(),
    ]
    print(text, *lines, sep="\n")
    if args.write:
        listed = "\n".join(f"    {line}" for line in lines)
        report.write_section("soak", f"{report.machine()}\n\n{text}\n\n{listed}")
    is_clean = kept > 0 and files_left == 0 and rows_left == "0"
    sys.exit(not (last <= FLAT * first and set(course.answers) == {200} and is_clean))


def _soak(site: Site, args: argparse.Namespace) -> Course:
    """Rounds of 50 requests; between them nothing is at work, so that what is resident is kept."""
    pictures = {size: photo(size) for size in SIZES}
    jobs, course = enumerate(_jobs()), Course()
    started = time.monotonic()

    def client(job: tuple[int, tuple[float, str]]) -> int:
        number, (size, output) = job
        key = "" if number % KEEP_EVERY else f"soak {number}"
        status, _ = site.remove_background(
            pictures[size], idempotency_key=key, **{"output.format": output}
        )
        return status

    def is_over() -> bool:
        if args.minutes:
            return time.monotonic() - started > 60 * args.minutes
        return course.answers.total() >= args.requests

    with ThreadPoolExecutor(args.slots) as clients:
        while not is_over():
            course.answers.update(clients.map(client, itertools.islice(jobs, EVERY)))
            seen = course.answers.total(), time.monotonic() - started, site.resident_mebibytes()
            course.memory.append(seen)
            print(f"{seen[0]} requests, {seen[2]:.0f} MiB", file=sys.stderr, flush=True)
    return course


def _jobs() -> Iterator[tuple[float, str]]:
    """(megapixels, format) without end; each pair of the two lists comes early."""
    dice = random.Random(3)
    once = [(size, output) for size in SIZES for output in FORMATS]
    dice.shuffle(once)
    yield from once
    while True:
        yield dice.choices(SIZES, WEIGHTS)[0], dice.choice(FORMATS)


def _files(site: Site) -> int:
    media = site.data / "media"
    return sum(path.is_file() for path in media.rglob("*")) if media.exists() else 0


if __name__ == "__main__":
    main()
