"""The service under load, inline and with workers side by side: `make bench-server`.

    make bench-server ARGS="--short"      to try it: the small network, a minute
    make bench-server ARGS="--write"      and put the results into docs/benchmarks.md

- Throughput: two web servers and as many worker processes as there are slots, on PostgreSQL and
  Valkey, against the engine alone, called in as many processes. Both take turns, so that the
  machine's other load falls on both; what counts is the median of the ratios of such pairs.
- A crowd: fifty clients (locust) without a pause, each waiting as long as Retry-After says; once
  against one server that works inline on SQLite, as `make run` starts it, once against the
  deployment above. A 429 is timed from the last byte that the client sent.
- The queue's overhead: one client and a small picture, in turns through two sites that differ in
  REMOVAL_EXECUTION alone. Their network does next to nothing, so that its own ups and downs do not
  hide the milliseconds.

The exit status is 0 where throughput is at least 0.9 of the engine's, the overhead below 15 ms,
and the crowd got nothing but 200, and 429 with Retry-After.
"""

import argparse
import itertools
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import onnx

from removal.engine import remove_background, threads
from removal.engine.networks import session
from tests import parts
from tests.billing.databases import new_postgresql_database

from . import environment, report
from .photos import photo
from .site import Site

HOME = Path(__file__).parent.parent
ENVIRONMENT = HOME / "var" / "bench-server"
REQUIREMENTS = Path(__file__).parent / "server-requirements.txt"
LEAST_THROUGHPUT, MOST_OVERHEAD = 0.9, 0.015
MEGAPIXELS, SMALL_MEGAPIXELS = 1, 0.05
# A machine with other work to do is slower, which is not to end as an error here.
PATIENT = {"REMOVAL_DEADLINE_SECONDS": "150", "REMOVAL_QUEUE_SECONDS": "120"}
SPARE = 2  # clients for each slot, so that the next picture is always there
Answers = list[dict[str, Any]]
Settings = dict[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=6, help="of throughput")
    parser.add_argument("--pictures", type=int, default=8, help="a round, for each side")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60, help="of the crowd, for each site")
    parser.add_argument("--pairs", type=int, default=400, help="of small pictures")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--short", action="store_true", help="the small network, less of all")
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    args = parser.parse_args()
    if args.short:
        args.rounds, args.seconds, args.pairs = 2, 10, 100
        os.environ["REMOVAL_MODEL"] = "u2netp"
    machine = report.machine()
    os.environ["REMOVAL_THREADS"] = str(max(1, threads.available_cores() // args.slots))
    environment.install(ENVIRONMENT, REQUIREMENTS, "Installing locust ...", "--require-hashes")
    common = {
        "REMOVAL_SLOTS": str(args.slots),
        "REMOVAL_KEY_CONCURRENCY": str(args.clients),  # all come with the same key
        **PATIENT,
    }
    with tempfile.TemporaryDirectory() as folder, _stores(Path(folder)) as stores:
        file = Path(folder) / "photo.jpg"
        file.write_bytes(photo(MEGAPIXELS))
        queue = common | {"REMOVAL_EXECUTION": "queue"}
        with Site(servers=2, **queue, **stores()) as site:
            rounds = list(_throughput(site, file, args))
            crowds = {"queue": _crowd(site, file, args)}
        with Site(**common) as site:
            crowds = {"inline": _crowd(site, file, args)} | crowds
        idle = {
            "MODEL_PATH": str(_idle_network(Path(folder))),
            "MODEL_NORMALISATION": "unit",
        }
        with (
            Site(**common, **idle, **stores()) as inline,
            Site(**queue, **idle, **stores()) as queued,
        ):
            times = _overhead(inline, queued, args.pairs)
    told, right = _told(rounds, crowds, times, args)
    text = f"{machine}\n\n{told}"
    print(text)
    if args.write:
        report.write_section("server", text)
    return int(not right)


@contextmanager
def _stores(folder: Path) -> Iterator[Callable[[], Settings]]:
    """PostgreSQL and Valkey; each call gives the settings for a database of its own in either."""
    with (
        parts.postgresql(folder / "postgres") as postgres,
        parts.valkey(folder / "valkey") as valkey,
    ):
        numbers = itertools.count()

        def settings() -> Settings:
            redis = urlsplit(valkey.connection_url)._replace(path=f"/{next(numbers)}")
            database = new_postgresql_database(postgres.get_uri())
            return {"DATABASE_URL": database, "REDIS_URL": redis.geturl()}

        yield settings


def _throughput(site: Site, file: Path, args: argparse.Namespace) -> Iterator[tuple[float, float]]:
    """(pictures a second of the engine, of the service) of each round."""

    def by_engine(pictures: int) -> float:
        began = time.perf_counter()
        list(engine.map(_cut_out, [file] * pictures))
        return pictures / (time.perf_counter() - began)

    def by_service(pictures: int) -> float:
        options = ["--pictures", str(pictures)]
        answers = _asked(site, file, SPARE * args.slots, options)
        bad = [answer for answer in answers if answer["status"] != 200]
        if bad:
            raise SystemExit(f"{site.log()}\nThroughput: {len(bad)} failed, as {bad[0]}")
        took = answers[-1]["ended"] - min(answer["began"] for answer in answers)
        return len(answers) / took

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.slots, spawn, session.warm) as engine:
        sides = [by_engine, by_service]
        for side in sides:  # the first pay for caches and for processes that still start
            side(SPARE * args.slots)
        for number in range(args.rounds):
            ordered = sides if number % 2 else sides[::-1]
            rates = {side: side(args.pictures) for side in ordered}
            print(f"round {number + 1}: engine {rates[by_engine]:.3f}/s, service "
                  f"{rates[by_service]:.3f}/s", file=sys.stderr, flush=True)  # fmt: skip
            yield rates[by_engine], rates[by_service]


def _cut_out(file: Path) -> None:
    remove_background(file.read_bytes())


def _crowd(site: Site, file: Path, args: argparse.Namespace) -> Answers:
    print(f"{args.clients} clients ...", file=sys.stderr, flush=True)
    return _asked(site, file, args.clients, ["--run-time", f"{args.seconds}s"])


def _asked(site: Site, file: Path, clients: int, options: Sequence[str]) -> Answers:
    """What locust's clients were answered, in the order in which the answers came."""
    answers = file.with_suffix(".answers")
    subprocess.run(
        [ENVIRONMENT / "bin" / "locust", "--locustfile", Path(__file__).parent / "crowd.py",
         "--headless", "--only-summary", "--loglevel", "ERROR", "--exit-code-on-error", "0",
         "--users", str(clients), "--spawn-rate", str(clients), "--stop-timeout", "60", *options,
         "--key", b64encode(site.key.encode()).decode(), "--picture", file,
         "--answers", answers, "--addresses", *site.addresses],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return [json.loads(line) for line in answers.read_text().splitlines()]


def _idle_network(folder: Path) -> Path:
    """One that takes the mean of the colours for the matte."""
    side, kind = 64, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("ReduceMean", ["picture"], ["matte"], axes=[1])],
        "idle",
        [onnx.helper.make_tensor_value_info("picture", kind, [1, 3, side, side])],
        [onnx.helper.make_tensor_value_info("matte", kind, [1, 1, side, side])],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    path = folder / "idle.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def _overhead(inline: Site, queue: Site, pairs: int) -> dict[str, list[float]]:
    """Seconds of each request; the sites take turns in being the first of a pair."""
    print(f"{pairs} pairs of small pictures ...", file=sys.stderr, flush=True)
    picture = photo(SMALL_MEGAPIXELS)
    sites = {"inline": inline, "queue": queue}
    times: dict[str, list[float]] = {name: [] for name in sites}
    warming = 10
    for number in range(warming + pairs):
        for name in list(sites)[:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            status, _ = sites[name].remove_background(picture)
            if status != 200:
                raise SystemExit(f"{sites[name].log()}\nOverhead: {name} answered {status}.")
            if number >= warming:
                times[name].append(time.perf_counter() - began)
    return times


def _told(
    rounds: list[tuple[float, float]],
    crowds: dict[str, Answers],
    times: dict[str, list[float]],
    args: argparse.Namespace,
) -> tuple[str, bool]:
    """The section of the page, and whether what is wanted holds."""
    ratio = statistics.median(service / engine for engine, service in rounds)
    overhead = statistics.median(times["queue"]) - statistics.median(times["inline"])
    wrong = sum(_is_wrong(answer) for answers in crowds.values() for answer in answers)
    verdict, right = report.verdicts([
        (f"throughput service / engine {ratio:.2f}", ratio >= LEAST_THROUGHPUT, "at least 0.9"),
        (f"queue's overhead {1000 * overhead:.1f} ms", overhead < MOST_OVERHEAD, "below 15"),
        (f"answers but 200, and 429 with Retry-After: {wrong}", not wrong, "none"),
    ])  # fmt: skip
    head = ("", "clients", "200", "p50 s", "p95 s", "429", "p50 ms", "p95 ms", "max ms")
    rows = [_row(name, answers, args.clients) for name, answers in crowds.items()]
    engine, service = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    small = [1000 * statistics.median(times[name]) for name in ("inline", "queue")]
    lines = [
        f"{args.slots} slots, pictures of {MEGAPIXELS} MP, {session.warm()}.",
        f"Engine alone {engine:.2f} pictures/s, service {service:.2f} pictures/s "
        f"({args.rounds} rounds of {args.pictures}; ratios "
        f"{', '.join(f'{b / a:.2f}' for a, b in rounds)}).",
        "",
        report.table(head, rows),
        "",
        f"A small picture, {args.pairs} pairs: inline {small[0]:.0f} ms, queue {small[1]:.0f} ms.",
        "",
        verdict,
    ]
    return "\n".join(lines), right


def _is_wrong(answer: dict[str, Any]) -> bool:
    return answer["status"] != 200 and not (answer["status"] == 429 and answer["retry_after"])


def _row(name: str, answers: Answers, clients: int) -> tuple[str, ...]:
    served = sorted(answer["seconds"] for answer in answers if answer["status"] == 200)
    told = sorted(1000 * answer["waited"] for answer in answers if answer["status"] == 429)
    return (
        name, str(clients),
        str(len(served)), f"{_part(served, 0.5):.1f}", f"{_part(served, 0.95):.1f}",
        str(len(told)), f"{_part(told, 0.5):.0f}", f"{_part(told, 0.95):.0f}",
        f"{_part(told, 1):.0f}",
    )  # fmt: skip


def _part(ordered: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


if __name__ == "__main__":
    sys.exit(main())
