"""No violation of axe-core's rules: every page in both themes, the front page in every state."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from removal.docs.pages import PAGES as DOCS
from tests.serving import Server

from .people import create, sign_in
from .test_remove import COFFEE, choose, file

PACKAGE = importlib.util.find_spec("axe_playwright_python")  # holds the axe-core file, no more
if PACKAGE is None and os.environ.get("CI") != "true":
    pytest.skip("axe-core is not installed", allow_module_level=True)
PAGES = (
    "/",
    "/about",
    "/faq",
    "/privacy",
    "/terms",
    "/no-such-page",
    "/pricing",
    "/accounts/login/",
    *(f"/{page.path}" for page in DOCS),
)
OF_AN_ACCOUNT = (
    "/dashboard",
    "/dashboard/requests",
    "/dashboard/keys",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/close/",
    "/ja/dashboard",
)


def violations(page: Page) -> list[str]:
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    page.evaluate(Path(PACKAGE.origin).with_name("axe.min.js").read_text())
    found = page.evaluate("axe.run().then((answer) => answer.violations)")
    return [f"{it['id']}: {node['html'][:120]}" for it in found for node in it["nodes"]]


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, base_url: str) -> Iterator[Page]:
    """A page with still pictures; axe itself has to be let past the policy."""
    with browser.new_context(
        base_url=base_url, bypass_csp=True, color_scheme=request.param, reduced_motion="reduce"
    ) as context:
        yield context.new_page()


def test_no_page_has_a_violation(themed: Page) -> None:
    found = {}
    for path in PAGES:
        themed.goto(path)
        found[path] = violations(themed)
    assert found == {path: [] for path in PAGES}


def test_no_japanese_page_has_a_violation(browser: Browser, base_url: str) -> None:
    """In one theme: words do not change colours."""
    with browser.new_context(base_url=base_url, bypass_csp=True) as context:
        page, found = context.new_page(), {}
        for path in PAGES:
            page.goto(f"/ja{path}")
            found[path] = violations(page)
    assert found == {path: [] for path in PAGES}


@pytest.mark.parametrize("path", ["/", "/ja/"])
def test_page_at_work_has_no_violation(themed: Page, path: str) -> None:
    themed.goto(path)
    choose(themed, file("coffee.jpg", COFFEE.read_bytes()), file("words.txt", b"-", "text/plain"))
    themed.locator("[data-state=done]").wait_for(timeout=60_000)
    themed.locator(".more-options summary").click()
    themed.locator("#options [name=size]").select_option("custom")
    assert violations(themed) == []
    for opener, dialog in (
        ("#show-code", "#code-dialog"),
        ("#forget-all", "#forget-dialog"),
        ("[data-state=done] [data-action=touch-up]", "#editor"),
    ):
        themed.locator(opener).click()
        themed.locator(dialog).wait_for()
        assert violations(themed) == [], dialog
        themed.keyboard.press("Escape")


@pytest.fixture(scope="module")
def customer(server: Server) -> str:
    create(server, {"axe@example.com": "10"})
    return "axe@example.com"


def test_no_page_of_an_account_has_a_violation(themed: Page, customer: str) -> None:
    sign_in(themed, customer)
    themed.locator("#resolution [value=full]").check(force=True)
    choose(themed, COFFEE)
    themed.locator("[data-state=priced]").wait_for()
    found = {"priced": violations(themed)}
    for path in OF_AN_ACCOUNT:
        themed.goto(path)
        found[path] = violations(themed)
    assert found == {path: [] for path in ("priced", *OF_AN_ACCOUNT)}
