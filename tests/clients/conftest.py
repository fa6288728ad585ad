"""A server, a customer's key, and public clients that believe they talk to the vendor."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from tests import pictures
from tests.serving import ROOT, Server, serving

from .redirect import HOSTS, redirecting

CLIENTS = ROOT / "var" / "clients"
SET_UP = all((CLIENTS / f"{name}.stamp").is_file() for name in ("python", "node"))
CLIENT_SECONDS = 60


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.xdist_group("clients"))  # one server
        if not SET_UP and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason="the clients are not set up: make clients"))


@dataclass
class Customer:
    """Somebody with credits, and what they were when the test began."""

    server: Server
    pair: str
    photo_url: str
    credits_before: Decimal = Decimal(0)

    @property
    def credits(self) -> Decimal:
        headers = {"X-Api-Key": self.pair}
        _, _, body = self.server.ask("GET", "/v1.0/account", None, headers)
        account = json.loads(body, parse_float=Decimal)
        return Decimal(account["data"]["attributes"]["credits"]["total"])

    @property
    def spent(self) -> Decimal:
        return self.credits_before - self.credits


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ours, which answers to the vendors' host names too and fetches its own pictures."""
    if not SET_UP:
        pytest.fail("The clients are not set up (make clients), and CI=true forbids skipping")
    allowed = {"ALLOWED_HOSTS": ",".join(("127.0.0.1", *HOSTS)), "IMAGE_URL_ALLOW": "127.0.0.1"}
    with serving(tmp_path_factory.mktemp("served"), **allowed) as running:
        yield running


@pytest.fixture(scope="session")
def surroundings(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Environment variables by which a client finds its program, and our server."""
    with redirecting(server.port, tmp_path_factory.mktemp("redirect")) as redirection:
        yield {
            **redirection,
            "PATH": f"{CLIENTS / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "NODE_PATH": str(CLIENTS / "node_modules"),
            "NODE_NO_WARNINGS": "1",
            "PYTHONUTF8": "1",
        }


@pytest.fixture(scope="session")
def pair(server: Server) -> str:
    """ID:SECRET of an account with 100 credits."""
    email = "customer@example.com"
    issued = server.manage("issue_api_key", email)
    server.manage("grant_credits", email, "100", "--reason", "for the tests")
    return issued


@pytest.fixture
def customer(server: Server, pair: str) -> Customer:
    photo_url = f"http://127.0.0.1:{server.port}/static/img/samples/coffee.jpg"
    somebody = Customer(server, pair, photo_url)
    somebody.credits_before = somebody.credits
    return somebody


@pytest.fixture
def run(customer: Customer, surroundings: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Run a program of the clients' environment beside `photo.jpg`; what it prints."""
    (tmp_path / "photo.jpg").write_bytes(pictures.portrait())
    api_id, _, secret = customer.pair.partition(":")
    known = {"KEY": customer.pair, "REMOVE_BG_API_KEY": customer.pair}
    known |= {"API_ID": api_id, "API_SECRET": secret, "PHOTO_URL": customer.photo_url}

    def run(*command: str, status: int = 0, **environment: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=surroundings | known | environment,
            capture_output=True, text=True, timeout=CLIENT_SECONDS,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def python(run: Callable[..., str]) -> Callable[..., str]:
    return lambda script, **options: run("python", "-c", script, **options)


@pytest.fixture
def node(run: Callable[..., str]) -> Callable[..., str]:
    return lambda script, **options: run("node", "-e", script, **options)
