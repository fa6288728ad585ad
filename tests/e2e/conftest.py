"""The whole service, once as `make run` starts it, once as it runs on many machines."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.billing.databases import new_postgresql_database
from tests.deployment import deployed
from tests.pictures import SAMPLES
from tests.serving import Server, serving

LIMITS = {"REMOVAL_PLACES": "2", "REMOVAL_QUEUE_LENGTH": "3", "IMAGE_URL_ALLOW": "127.0.0.1"}
KEYS = {"aws_access_key_id": "moto", "aws_secret_access_key": "moto-moto"}
V2 = "/api/v2/remove-background"


@dataclass
class Answer:
    status: int
    headers: Any
    content: bytes

    @property
    def code(self) -> int:
        return json.loads(self.content)["error"]["code"]


@dataclass
class Person:
    """Somebody with an API key."""

    server: Server
    pair: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        authorization = "Basic " + b64encode(self.pair.encode()).decode()
        everything = {"Authorization": authorization} | named
        return Answer(*self.server.ask(method, path, body, everything))

    def post(self, path: str = V2, headers: dict[str, str] | None = None, **parts: Any) -> Answer:
        """A multipart request; bytes are files, dots in names are written as two underscores."""
        body = b"".join(_part(name.replace("__", "."), value) for name, value in parts.items())
        content_type = "multipart/form-data; boundary=edge"
        return self.ask(
            "POST", path, body + b"--edge--\r\n", Content_Type=content_type, **(headers or {})
        )

    @property
    def credits(self) -> float:
        return float(json.loads(self.ask("GET", "/api/v2/account").content)["credits"])


def _part(name: str, value: bytes | str) -> bytes:
    is_file = isinstance(value, bytes)
    file_name = '; filename="photo.jpg"' if is_file else ""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'
    return head.encode() + (value if is_file else value.encode()) + b"\r\n"


@dataclass
class Service:
    server: Server
    stored: Any  # the names of all files that lie in the storage

    def person(self, email: str, credits_: str = "") -> Person:
        person = Person(self.server, self.server.manage("issue_api_key", email))
        if credits_:
            self.server.manage("grant_credits", email, credits_, "--reason", "for the test")
        return person


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
        bucket = running.enter_context(_bucket())
        settings = LIMITS | bucket.settings
        deployment = running.enter_context(deployed(folder, own_redis, database, **settings))
        yield Service(deployment.servers[0], bucket.names)


def _files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


class _bucket:  # noqa: N801 (used as a function)
    """An S3 bucket of moto's server."""

    def __enter__(self) -> "_bucket":
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        self._client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **KEYS)
        self._client.create_bucket(Bucket="pictures")
        self.settings = {
            "S3_BUCKET": "pictures",
            "S3_ENDPOINT": endpoint,
            "S3_REGION": "us-east-1",
            "S3_ADDRESSING": "path",
            "S3_ACCESS_KEY": KEYS["aws_access_key_id"],
            "S3_SECRET_KEY": KEYS["aws_secret_access_key"],
        }
        return self

    def names(self) -> list[str]:
        answer = self._client.list_objects_v2(Bucket="pictures")
        return [entry["Key"] for entry in answer.get("Contents", ())]

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self._server.stop()


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
