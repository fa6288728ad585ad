"""Cuts out a folder of pictures through the API: `python -m removal.client FOLDER --url ADDRESS`.

Results are written beside the pictures or to --output, under the same names. It can be stopped and
restarted at any time: finished pictures are skipped, and results not received are requested again
under the same Idempotency-Key, so that nothing is charged twice. After 429 and 503 it waits as long
as the server asks.

The key is ID:SECRET in the environment variable API_KEY, or in a file named by API_KEY_FILE.
"""

import argparse
import hashlib
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tqdm import tqdm

from removal import files, recipes

EXTENSIONS = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "application/zip": "zip",
}  # fmt: skip
MARK = ".cutout"  # in a result's name, so that the next run does not take it for a picture
SECONDS = 180  # one request may take
MOST_TRIES = 8
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    key: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of pictures and results, with the same names and subfolders."""

    source: Path
    output: Path

    def target(self, picture: Path, extension: str) -> Path:
        name = files.fitting(picture.name, f"{MARK}.{extension}")
        return self.output / picture.relative_to(self.source).parent / name

    def result(self, picture: Path) -> Path | None:
        targets = (self.target(picture, e) for e in (*EXTENSIONS.values(), "bin"))
        return next((path for path in targets if path.exists()), None)


class Refused(Exception):
    """The server refused this picture; the message is its reason."""


def main() -> int:
    args = _arguments()
    fields = dict(args.set)
    if args.recipe:  # here and not by the server, which may know other recipes than this client
        fields = recipes.expanded(fields, args.recipe)
    server = Server(args.url.rstrip("/"), _key(), fields)
    output = args.output or args.folder
    output.mkdir(parents=True, exist_ok=True)
    folders = Folders(args.folder, output)
    waiting = [path for path in pictures_in(folders, args.recursive) if not folders.result(path)]
    charged, failed, lock = Decimal(0), 0, threading.Lock()
    with tqdm(total=len(waiting), unit="picture", file=sys.stderr) as bar:

        def work(path: Path) -> None:
            nonlocal charged, failed
            try:
                cost = cut_out(server, path, folders)
            except (Refused, OSError) as error:
                with lock:
                    failed += 1
                bar.write(f"{path.relative_to(args.folder)}: {error}", file=sys.stderr)
            else:
                with lock:
                    charged += cost
            bar.update()

        with ThreadPoolExecutor(args.parallel) as pool:
            list(pool.map(work, waiting))
    print(f"{len(waiting) - failed} done, {failed} failed, {charged} credits charged")
    return 1 if failed else 0


def pictures_in(folders: Folders, below: bool = False) -> list[Path]:
    """The pictures to process, without results of earlier runs."""
    found = files.found_in(folders.source, below=below, without=folders.output)
    return [path for path in found.pictures if not path.stem.endswith(MARK)]


def cut_out(server: Server, picture: Path, folders: Folders) -> Decimal:
    """Write the picture's result; the credits it cost. Raises Refused, OSError."""
    content = picture.read_bytes()
    for attempt in range(1, MOST_TRIES + 1):
        try:
            request = _request(server, picture, content)
            with urllib.request.urlopen(request, timeout=SECONDS) as got:  # noqa: S310 (http, s)
                kind = got.headers.get_content_type()
                target = folders.target(picture, EXTENSIONS.get(kind, "bin"))
                target.parent.mkdir(parents=True, exist_ok=True)
                files.write_whole(target, got.read())
                return Decimal(got.headers.get("X-Credits-Charged", "0"))
        except urllib.error.HTTPError as error:
            if error.code not in (409, 429, 503) or attempt == MOST_TRIES:
                raise Refused(_reason(error)) from None
            _pause(error.headers.get("Retry-After"), attempt)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if attempt == MOST_TRIES:
                raise Refused(f"the server can't be reached: {error}") from None
            _pause(None, attempt)
    raise AssertionError("the last attempt returns or raises")


def _request(server: Server, picture: Path, content: bytes) -> urllib.request.Request:
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in server.fields.items()
    ]
    name = picture.name.encode("ascii", "replace").decode().replace('"', "_")
    head = f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, f"\r\n--{mark}--\r\n".encode()])
    return urllib.request.Request(  # noqa: S310 (see _arguments)
        f"{server.address}/api/v2/remove-background",
        data=body,
        headers={
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Authorization": "Basic " + b64encode(server.key.encode()).decode(),
            "Idempotency-Key": idempotency_key(server.fields, content),
        },
    )


def idempotency_key(fields: dict[str, str], content: bytes) -> str:
    """A key derived from the picture and the parameters, so that every run uses the same."""
    asked = json.dumps(sorted(fields.items())).encode()
    return hashlib.sha256(hashlib.sha256(content).digest() + asked).hexdigest()


def _pause(retry_after: str | None, attempt: int) -> None:
    """The wait that the server asks for; otherwise longer each time."""
    said = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
    time.sleep(min(max(said, attempt * 1.0), LONGEST_PAUSE))


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP status {error.code}"


def _key() -> str:
    file = os.environ.get("API_KEY_FILE")
    key = Path(file).read_text().strip() if file else os.environ.get("API_KEY", "")
    if ":" not in key:
        raise SystemExit("Put ID:SECRET into the environment variable API_KEY.")
    return key


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m removal.client", description="Cut out a folder of pictures through the API."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--url", required=True, help="the site, e.g. https://your.site")
    parser.add_argument("--output", type=Path, help="where results go; FOLDER by default")
    parser.add_argument("-r", "--recursive", action="store_true", help="also subfolders of FOLDER")
    parser.add_argument("--parallel", type=int, default=2, help="concurrent requests")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="a parameter of the API, e.g. result.crop_to_foreground=true; may be repeated",
    )
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        choices=recipes.NAMES,
        help=f"a preset of parameters, which --set wins over: {', '.join(recipes.NAMES)}",
    )
    args = parser.parse_args()
    if not args.url.startswith(("http://", "https://")):
        parser.error("--url must begin with http:// or https://")
    if not args.folder.is_dir():
        parser.error(f"{args.folder} is not a folder")
    return args


def _setting(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
