"""Nothing that we start talks to anybody unasked, or writes outside its own folders.

Held by strace, as libraries written in C pass by whatever Python could watch.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import pictures
from tests.deployment import Worker
from tests.serving import ROOT, Server

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is missing (apt install strace)"
)
CALLS = "connect,sendto,sendmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2"
ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')
WRITTEN = re.compile(r'\b(?:open|openat|creat|mkdir|mkdirat|rename\w*)\(.*?"([^"]*)"')
# The system's own; libuuid keeps its clock when root asks it for an id, as redis-py's locks do.
BUILT_IN = ("/dev/", "/proc/self/", "/var/lib/libuuid/")
DNS = "53"


@dataclass(frozen=True)
class Watched:
    """Runs programs under strace, with a home and folders for data and for temporary files."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if "XDG" not in name}
        return inherited | {
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),
            "DATA_DIR": str(self.folder / "data"),
            "REMOVAL_MODEL": "u2netp",
            "REMOVAL_MODELS_DIR": os.environ.get("REMOVAL_MODELS_DIR", str(ROOT / "var/models")),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @property
    def command(self) -> list[str]:
        """What to put before a program: it stays its caller's child, strace is beside it."""
        return ["strace", "-D", "-ff", "-qq", "-s", "300", "-e", "signal=none",
                "-e", f"trace={CALLS}", "-o", str(self.folder / "calls" / "of")]  # fmt: skip

    def run(self, *arguments: object) -> None:
        subprocess.run(
            [*self.command, sys.executable, *map(str, arguments)],
            cwd=ROOT, env=self.environment, check=True,
        )  # fmt: skip

    def calls(self) -> list[str]:
        return [
            line
            for file in (self.folder / "calls").iterdir()
            for line in file.read_text(errors="replace").splitlines()
        ]

    def asked_outside(self) -> list[str]:
        """Addresses that were connected or sent to, other than this machine's own."""
        found = [match for line in self.calls() if (match := ADDRESS.search(line))]
        return [
            f"{address[2]}:{address[1]}"
            for address in found
            if address[1] == DNS or not (address[2].startswith("127.") or address[2] == "::1")
        ]

    def written_outside(self) -> list[str]:
        own = (*BUILT_IN, str(self.folder / "data"), str(self.folder / "tmp"))
        paths = [
            match[1] for line in self.calls() if _writes(line) and (match := WRITTEN.search(line))
        ]
        return sorted({path for path in paths if not os.path.join(ROOT, path).startswith(own)})


def _writes(line: str) -> bool:
    return "O_WRONLY" in line or "O_RDWR" in line or not line.startswith("open")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    for name in ("home", "tmp", "data", "calls"):
        (tmp_path / name).mkdir()
    made = Watched(tmp_path)
    yield made
    assert made.calls(), "strace saw nothing"
    assert made.asked_outside() == []
    assert made.written_outside() == []
    assert list(made.home.iterdir()) == []


def test_strace_sees_what_a_library_would_tell(tmp_path):
    for name in ("home", "tmp", "data", "calls"):
        (tmp_path / name).mkdir()
    talkative = Watched(tmp_path)
    talkative.run(
        "-c",
        "import os, pathlib, socket; pathlib.Path.home().joinpath('kept').write_text('an id');"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))",
    )
    assert talkative.asked_outside() == ["192.0.2.1:9"]
    assert talkative.written_outside() == [str(talkative.home / "kept")]


def test_the_engine_as_a_library(watched):
    photo = watched.folder / "photo.jpg"
    photo.write_bytes(pictures.portrait())
    watched.run(
        "-c",
        "import sys; from removal.engine import remove_background;"
        "remove_background(open(sys.argv[1], 'rb').read())",
        photo,
    )


def test_the_command_line(watched):
    photo, result = watched.folder / "photo.jpg", watched.folder / "data" / "out.png"
    photo.write_bytes(pictures.portrait())
    watched.run("-m", "removal.engine", photo, result)
    assert pictures.mode_and_size(result.read_bytes()) == ("RGBA", (200, 240))


def test_the_web_server_and_its_engine(watched):
    server = Server(watched.folder / "data", under=watched.command, **watched.environment)
    try:
        server.wait()
        assert server.ask("GET", "/")[0] == 200
        assert cut_out(server) == 200
    finally:
        server.stop()


def test_a_worker(watched, redis_url):
    queue = {"REMOVAL_EXECUTION": "queue", "REDIS_URL": redis_url}
    environment = watched.environment | queue
    worker = Worker(watched.folder / "data", environment, under=watched.command)
    server = Server(watched.folder / "data", **environment)
    try:
        server.wait()
        assert cut_out(server) == 200
    finally:
        server.stop()
        worker.end()


def cut_out(server: Server) -> int:
    pair = server.manage("issue_api_key", "quiet@example.com")
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "Content-Type": "multipart/form-data; boundary=edge",
    }
    body = head + pictures.portrait() + b"\r\n--edge--\r\n"
    return server.ask("POST", "/api/v2/remove-background?test=true", body, headers)[0]
