"""A real server with the real network, a real Chromium, and a page that may not complain."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.serving import ROOT, Server, serving

SAMPLES = ROOT / "static" / "img" / "samples"
GROUPS = 2  # each with a server and a browser of its own
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",  # tests may run as root, where Chromium's sandbox can't start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    files = sorted(here.glob("test_*.py"))
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.xdist_group(f"browser-{files.index(item.path) % GROUPS}"))
        if CHROMIUM is None and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    if CHROMIUM is None:
        pytest.fail("Chromium is not installed, and CI=true forbids skipping the browser tests")
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, object]) -> dict[str, object]:
    size = {"width": 1280, "height": 800}
    return browser_context_args | {"locale": "en-GB", "viewport": size}


def environment_of(folder: Path) -> dict[str, str]:
    """Of a server on data of its own, which takes more pictures than one visitor may send."""
    database = f"sqlite:///{folder / 'db.sqlite3'}"
    return {"DATABASE_URL": database, "REMOVAL_ANONYMOUS_PER_HOUR": "10000"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    with serving(folder, IMAGE_URL_ALLOW="localhost", **environment_of(folder)) as running:
        yield running


@pytest.fixture(scope="session")
def base_url(server: Server) -> str:
    return server.url


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """What the browser's console holds against the page; a test may empty it."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # An answer that is not 200 is logged by the browser itself; tests look at it on the page.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            found.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda error: found.append(str(error.error)))
    return found


@pytest.fixture(autouse=True)
def no_complaints(complaints: list[str]) -> Iterator[None]:
    yield
    assert complaints == []


@pytest.fixture
def home(page: Page) -> Page:
    page.goto("/")
    return page


@pytest.fixture(scope="module")
def shared_page(browser: Browser, base_url: str) -> Iterator[Page]:
    """The front page, opened once: for tests that only call functions in it."""
    with browser.new_context(base_url=base_url) as context:
        page = context.new_page()
        page.goto("/")
        yield page
