"""The command line: `python -m removal.engine IN OUT [options]`, for a file or a whole folder."""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import EngineError, Options, extension_of, parse_options, remove_background
from .options import PARAMETERS, Parameter, parse_bool
from .reading.decode import MAX_INPUT_PIXELS

SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".apng",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".webp",
        ".heic",
        ".heif",
        ".avif",
    ]
)
MAX_BYTES = 1024 * 1024 * 1024  # a file above this can't hold a picture that we take


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 1 where any picture failed."""
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        options = _options(_fields(args))
    except EngineError as error:
        parser.error(str(error))
    if not args.input.exists():
        parser.error(f"{args.input} does not exist.")
    jobs = list(_jobs(args.input, args.output, options))
    if not jobs:
        parser.error(f"{args.input} holds no picture ({' '.join(sorted(SUFFIXES))}).")
    problem = _misnamed(jobs, options)
    if problem:
        parser.error(problem)
    failures = 0
    bar = tqdm(jobs, unit="picture", disable=None if args.input.is_dir() else True)
    for source, target in bar:
        problem = _convert(source, target, options)
        if problem:
            failures += 1
            tqdm.write(f"{source}: {problem}", file=sys.stderr)
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m removal.engine",
        description="Remove the background of a picture, or of every picture in a folder.",
    )
    parser.add_argument("input", metavar="IN", type=Path, help="a picture or a folder of pictures")
    parser.add_argument(
        "output", metavar="OUT", type=Path, help="a file; for a folder a folder (made if missing)"
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
    return {parameter.name: getattr(args, parameter.name) for parameter in PARAMETERS}


def _options(fields: dict[str, str]) -> Options:
    """As the API reads them, but a mask is made to be laid over its photo: unless --max-pixels
    asks for less, it has the upright photo's size, also above 25 megapixels."""
    options = parse_options(fields)
    if options.output_format == "mask" and not fields["max_pixels"]:
        return replace(options, max_pixels=MAX_INPUT_PIXELS)
    return options


def _jobs(source: Path, target: Path, options: Options) -> Iterator[tuple[Path, Path]]:
    """Which file becomes which. Two inputs with one stem keep their full names."""
    suffix = f".{extension_of(options)}"
    if not source.is_dir():
        yield source, target / f"{source.stem}{suffix}" if target.is_dir() else target
        return
    pictures = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES)
    stems = Counter(path.stem for path in pictures)
    for path in pictures:
        name = path.stem if stems[path.stem] == 1 else path.name
        yield path, target / f"{name}{suffix}"


def _misnamed(jobs: list[tuple[Path, Path]], options: Options) -> str:
    """Why nothing is begun: a picture would be lost, or a name would lie; or nothing."""
    sources = {source.resolve() for source, _ in jobs}
    lost = next((target for _, target in jobs if target.resolve() in sources), None)
    if lost is not None:
        return f"OUT would overwrite {lost}, a picture to be read. Name another file or folder."
    extension = extension_of(options)
    allowed = {"", f".{extension}"} | ({".jpeg"} if extension == "jpg" else set())
    wrong = next((target for _, target in jobs if target.suffix.lower() not in allowed), None)
    if wrong is not None:
        return (
            f"{wrong} would hold another format than its name says. Let it end in .{extension}, "
            "or choose its format by --output-format."
        )
    return ""


def _convert(source: Path, target: Path, options: Options) -> str:
    """Do one picture; what went wrong, or nothing."""
    try:
        if source.stat().st_size > MAX_BYTES:
            return f"The file is larger than {MAX_BYTES:,} bytes."
        content = remove_background(source.read_bytes(), options).content
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, content)
    except EngineError as error:
        return str(error)
    except OSError as error:
        return f"{error.strerror or error}."
    return ""


def _write(target: Path, content: bytes) -> None:
    """All of the file or none of it, also when the machine stops in between."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


if __name__ == "__main__":
    sys.exit(main())
