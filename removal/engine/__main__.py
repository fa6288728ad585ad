"""The command line: `python -m removal.engine IN OUT [options]`, for a file or a whole folder.

IN and OUT may be - for standard input and output, pipes and devices.
"""

import argparse
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from removal import files, recipes

from . import EngineError, Options, extension_of, parse_options, remove_background
from .hints import MAX_DATA_URL, Hints, parse_hints, text_of
from .networks import session
from .options import PARAMETERS, Parameter, parse_bool
from .reading.decode import MAX_INPUT_PIXELS

MAX_BYTES = 1024 * 1024 * 1024  # a file above this can't hold a picture that we take
# Compared by name: opening /dev/stdin again would read the file behind it from its start.
STDIN = {Path(name) for name in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")}
STDOUT = {Path(name) for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")}
Job = tuple[Path, Path]


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 1 where any picture failed."""
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        options = _options(_fields(args))
        if args.hints is not None:
            options = replace(options, hints=_hints(parser, args))
    except EngineError as error:
        parser.error(str(error))
    jobs = _jobs(parser, args, extension_of(options))
    problem = _misnamed(jobs, options)
    if problem:
        parser.error(problem)
    failures = 0
    ended = _converted(jobs, options)
    quiet = None if len(jobs) > 1 else True
    for source, problem in tqdm(ended, unit="picture", total=len(jobs), disable=quiet):
        if problem:
            failures += 1
            tqdm.write(f"{source}: {problem}", file=sys.stderr)
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m removal.engine",
        description="Remove the background of a picture, or of every picture in a folder.",
    )
    parser.add_argument(
        "input",
        metavar="IN",
        type=Path,
        help="a picture, - for standard input, or a folder of pictures",
    )
    parser.add_argument(
        "output",
        metavar="OUT",
        type=Path,
        help="a file, - for standard output, a pipe or device; for a folder a folder (made if "
        "missing)",
    )
    parser.add_argument(
        "-r", "--recursive", action="store_true", help="the folders in IN too, as folders in OUT"
    )
    parser.add_argument(
        "--hints",
        metavar="FILE",
        type=Path,
        help="what of the one picture is to be kept and removed: points and strokes in JSON, or a "
        "PNG with labels",
    )
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        choices=recipes.NAMES,
        help=f"a preset of the options below, which win over it: {', '.join(recipes.NAMES)}",
    )
    for parameter in PARAMETERS:
        _add_option(parser, parameter)
    return parser


def _add_option(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    """A switch may stand alone: `--result-crop-to-foreground` means true."""
    switch: dict[str, Any] = {"nargs": "?", "const": "true"}
    parser.add_argument(
        _flag(parameter.name),
        dest=parameter.name,
        metavar="VALUE",
        default="",
        help=f"{parameter.allowed} (default: {parameter.default})".replace("%", "%%"),
        **(switch if parameter.parse is parse_bool else {}),
    )


def _flag(name: str) -> str:
    return "--" + name.replace(".", "-").replace("_", "-")


def _fields(args: argparse.Namespace) -> dict[str, str]:
    fields = {parameter.name: getattr(args, parameter.name) for parameter in PARAMETERS}
    return fields | recipes.expanded(fields, args.recipe) if args.recipe else fields


def _options(fields: dict[str, str]) -> Options:
    """As the API reads them, but a mask is made to be laid over its photo: unless --max-pixels
    asks for less, it has the upright photo's size, also above 25 megapixels."""
    options = parse_options(fields)
    if options.output_format == "mask" and not fields["max_pixels"]:
        return replace(options, max_pixels=MAX_INPUT_PIXELS)
    return options


def _hints(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Hints:
    if args.input.is_dir():
        parser.error("--hints are for one picture; IN is a folder.")
    try:
        with args.hints.open("rb") as file:
            content = file.read(MAX_DATA_URL + 1)
    except OSError as error:
        parser.error(f"--hints: {args.hints}: {error}.")
    return parse_hints("--hints", text_of(content))


def _jobs(parser: argparse.ArgumentParser, args: argparse.Namespace, extension: str) -> list[Job]:
    """(source, target) of each picture."""
    source, target = args.input, args.output
    if source.is_dir():
        return _jobs_of_folder(parser, args, extension)
    if source not in STDIN and not source.exists():
        parser.error(f"{source} does not exist.")
    if target in STDOUT and sys.stdout.isatty():
        parser.error("A terminal shows no pictures. Send standard output into a file or a pipe.")
    if not target.is_dir():
        return [(source, target)]
    if source in STDIN:
        parser.error(f"{target} is a folder. Name a file: standard input has no name.")
    return [(source, target / files.fitting(source.stem, f".{extension}"))]


def _jobs_of_folder(
    parser: argparse.ArgumentParser, args: argparse.Namespace, extension: str
) -> list[Job]:
    source, target = args.input, args.output
    if target in STDOUT or (target.exists() and not target.is_dir()):
        parser.error(f"{source} is a folder, so OUT has to be one too; {target} is none.")
    found = files.found_in(source, below=args.recursive, without=target)
    if not found.pictures:
        parser.error(f"{source} holds no picture ({' '.join(sorted(files.ENDINGS))}).")
    if found.others:
        first = found.others[0].relative_to(source)
        count = len(found.others)
        print(f"Passed over, no picture by its name: {first}" + _more(count), file=sys.stderr)
    return list(_named(found.pictures, source, target, extension))


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""


def _named(pictures: list[Path], source: Path, target: Path, extension: str) -> Iterator[Job]:
    """A path in `target` for each picture, unique even where the file system ignores case."""

    def folder(path: Path) -> str:
        return _alike(str(path.relative_to(source).parent))

    for _, together in groupby(sorted(pictures, key=folder), key=folder):
        for path, name in _names(list(together), f".{extension}").items():
            yield path, target / path.relative_to(source).parent / name


def _names(pictures: list[Path], suffix: str) -> dict[Path, str]:
    """Stems, or full names where stems collide; numbered where those collide, too."""
    names = {path: files.fitting(path.stem, suffix) for path in pictures}
    whole: set[Path] = set()
    while True:
        counts = Counter(map(_alike, names.values()))
        alike = {path for path, name in names.items() if counts[_alike(name)] > 1}
        if not alike - whole:
            break
        whole |= alike
        names |= {path: files.fitting(path.name, suffix) for path in alike}
    for number, path in enumerate(sorted(alike)):  # A.jpg and a.JPG
        names[path] = files.fitting(f"{path.name}~{number + 1}", suffix)
    return names


def _alike(name: str) -> str:
    """The name as file systems compare it that ignore case and Unicode's forms."""
    return unicodedata.normalize("NFC", name).casefold()


def _misnamed(jobs: list[Job], options: Options) -> str:
    """Why the run is refused: a source would be overwritten, or an extension names another format.
    "" where nothing is wrong."""
    targets = [target for _, target in jobs if not _is_stream(target)]
    sources = {source.resolve() for source, _ in jobs}
    lost = next((target for target in targets if target.resolve() in sources), None)
    if lost is not None:
        return f"OUT would overwrite {lost}, a picture to be read. Name another file or folder."
    extension = extension_of(options)
    allowed = {"", f".{extension}"} | ({".jpeg"} if extension == "jpg" else set())
    wrong = next((target for target in targets if target.suffix.lower() not in allowed), None)
    if wrong is not None:
        return (
            f"{wrong} would hold another format than its name says. Let it end in .{extension}, "
            "or choose its format by --output-format."
        )
    return ""


def _converted(jobs: list[Job], options: Options) -> Iterator[tuple[Path, str]]:
    """Converts all pictures. Yields each when it is done, with what went wrong, or ""."""
    together = min(len(jobs), session.pictures_at_once())
    if together < 2:
        for source, target in jobs:
            yield source, _convert(source, target, options)
        return
    with ThreadPoolExecutor(together) as pool:
        running = {pool.submit(_convert, *job, options): job[0] for job in jobs}
        try:
            for one in as_completed(running):
                yield running[one], one.result()
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl+C: what has begun is ended


def _convert(source: Path, target: Path, options: Options) -> str:
    """Convert one picture. Returns what went wrong, or ""."""
    try:
        if not _is_stream(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _check_writable(target.parent)
        data = _read(source)
        if len(data) > MAX_BYTES:
            return f"The file is larger than {MAX_BYTES:,} bytes."
        _write(target, remove_background(data, options).content)
    except EngineError as error:
        return str(error)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{where}."
    return ""


def _check_writable(folder: Path) -> None:
    """Raises OSError before minutes of work are done for nothing; a full disk only shows later."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(None, "Nothing can be written there", str(folder))


def _is_stream(target: Path) -> bool:
    """Whether the target is a pipe or device, which is written into and not replaced by a file."""
    return target in STDOUT or (target.exists() and not target.is_file())


def _read(source: Path) -> bytes:
    """The file's bytes, at most MAX_BYTES + 1: enough to tell that it is too large."""
    if source in STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with source.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _write(target: Path, content: bytes) -> None:
    if not _is_stream(target):
        files.write_whole(target, content)
    elif target not in STDOUT:
        with target.open("wb", buffering=0) as stream:
            _write_all(stream.fileno(), content)
    else:
        _write_all(sys.stdout.fileno(), content)


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


if __name__ == "__main__":
    sys.exit(main())
