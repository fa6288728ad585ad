"""A real server with the real network, a real Chromium, and a page that may not complain."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    APIResponse,
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Page,
    Route,
    expect,
)

from tests.serving import ROOT, Server, serving

SAMPLES = ROOT / "static" / "img" / "samples"
# The shell is the same Chromium without windows: a page opens in half the time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
PATIENCE_MS = 60_000  # for whatever has to come; a machine of a CI may be slow
expect.set_options(timeout=PATIENCE_MS)
FLAGS = [
    "--no-sandbox",  # tests may run as root, where Chromium's sandbox can't start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))
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


@pytest.fixture(scope="session")
def browser(browser: Browser) -> Browser:
    """Its pages wait for as long as a slow machine needs."""
    new_context = browser.new_context

    def patient_context(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        return context

    browser.new_context = patient_context  # type: ignore[method-assign]
    return browser


def environment_of(folder: Path) -> dict[str, str]:
    """Of a server on data of its own, which takes more pictures than one visitor may send."""
    database = f"sqlite:///{folder / 'db.sqlite3'}"
    return {"DATABASE_URL": database, "REMOVAL_ANONYMOUS_PER_HOUR": "10000"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    with serving(folder, IMAGE_URL_ALLOW="localhost", **environment_of(folder)) as running:
        copy_database(folder / "db.sqlite3", folder / "unused.sqlite3")
        yield running


@pytest.fixture(scope="module")
def prepared(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that `serve` prepares, for one more server: nobody has used it yet."""
    used, folder = Path(server.environment["DATA_DIR"]), tmp_path_factory.mktemp("prepared")
    shutil.copyfile(used / "unused.sqlite3", folder / "db.sqlite3")
    return folder


def copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def ask(page: Page, photo: FilePayload, output_format: str) -> APIResponse:
    """What the server says to a photo that the page would send; it keeps nothing of it."""
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    fields = {"output.format": output_format, "image": photo}
    answer = page.request.post("/removals", headers={"X-CSRFToken": token}, multipart=fields)
    assert answer.ok
    return answer


@pytest.fixture(scope="session")
def remember(browser: Browser, base_url: str) -> Callable[[Page, FilePayload], None]:
    """`remember(page, photo)`: whatever the page sends, it gets what the server once said to this
    photo. For tests of what comes after an answer."""

    @cache
    def said(name: str, content: bytes) -> tuple[dict[str, str], bytes]:
        with browser.new_context(base_url=base_url) as context:
            page = context.new_page()
            page.goto("/")
            photo: FilePayload = {"name": name, "mimeType": "image/jpeg", "buffer": content}
            answer = ask(page, photo, "delta_png")
            return answer.headers, answer.body()

    def arrange(page: Page, photo: FilePayload) -> None:
        headers, body = said(photo["name"], photo["buffer"])

        def answer(route: Route) -> None:
            if route.request.method == "POST":
                route.fulfill(headers=headers, body=body)
            else:
                route.fallback()

        page.route("**/removals", answer)

    return arrange


@pytest.fixture(scope="session")
def show(remember: Callable[[Page, FilePayload], None]) -> Callable[[Page, str], None]:
    """`show(page, name)`: the front page with the cut-out of a sample."""

    def arrange(page: Page, name: str) -> None:
        content = (SAMPLES / name).read_bytes()
        photo: FilePayload = {"name": name, "mimeType": "image/jpeg", "buffer": content}
        page.goto("/")
        remember(page, photo)
        page.locator("#file-input").set_input_files(photo)
        page.locator("[data-state=done]").wait_for()

    return arrange


@pytest.fixture
def coffee(page: Page, show: Callable[[Page, str], None]) -> Page:
    show(page, "coffee.jpg")
    return page


@pytest.fixture
def astronaut(page: Page, show: Callable[[Page, str], None]) -> Page:
    show(page, "astronaut.jpg")
    return page


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
