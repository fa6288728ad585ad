"""The whole service, once as `make run` starts it, once as it runs on many machines."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.billing.databases import new_postgresql_database
from tests.bucket import Bucket
from tests.deployment import deployed
from tests.person import Person
from tests.pictures import SAMPLES
from tests.serving import Server, serving

LIMITS = {"REMOVAL_SLOTS": "2", "REMOVAL_QUEUE_LENGTH": "3", "IMAGE_URL_ALLOW": "127.0.0.1"}


@dataclass
class Service:
    server: Server
    stored: Any  # the names of all files that lie in the storage

    def person(self, email: str, credits_: str = "") -> Person:
        return Person.new(self.server, email, credits_)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "service" in metafunc.fixturenames:
        metafunc.parametrize("service", ("inline", "queue"), indirect=True, scope="package")


@pytest.fixture(scope="package")
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "inline":
        with serving(folder, **LIMITS) as server:
            yield Service(server, partial(_files_in, folder / "media"))
        return
    redis_url, postgres_url = (
        request.getfixturevalue(name) for name in ("redis_url", "postgres_url")
    )
    own_redis = urlsplit(redis_url)._replace(path="/2").geturl()
    database = new_postgresql_database(postgres_url)
    with ExitStack() as running:
        bucket = running.enter_context(Bucket())
        settings = LIMITS | bucket.settings
        deployment = running.enter_context(deployed(folder, own_redis, database, **settings))
        yield Service(deployment.servers[0], bucket.names)


def _files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="package")
def alice(service: Service) -> Person:
    """Has a hundred credits."""
    return service.person("alice@example.com", "100")


@pytest.fixture(scope="package")
def bob(service: Service) -> Person:
    """Never had credits."""
    return service.person("bob@example.com")


@pytest.fixture(scope="session")
def photo_url() -> Iterator[str]:
    """Where a picture can be fetched from."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SAMPLES)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/coffee.jpg"
    server.shutdown()
    thread.join()
    server.server_close()
