"""No violation of axe-core's rules: every page in both themes and in forced colours, in English on
a desktop and in Japanese on a phone; the front page in every state."""

import importlib.util
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from removal.docs.pages import PAGES as DOCS
from tests.serving import Server

from .people import create, sign_in
from .test_remove import COFFEE, choose, file, jpeg

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
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/confirm-email/",
    *(f"/{page.path}" for page in DOCS),
)
OF_AN_ACCOUNT = (
    "/dashboard",
    "/dashboard/requests",
    "/dashboard/keys",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/reauthenticate/",
    "/accounts/sessions/",
    "/accounts/close/",
    "/billing/purchases",
)
PHONE = {"width": 390, "height": 844}
THEMES = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}


RUN = "axe.run({ resultTypes: ['violations'] }).then((answer) => answer.violations)"


@cache
def axe() -> str:
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    return Path(PACKAGE.origin).with_name("axe.min.js").read_text()


def violations(page: Page, themes: Iterable[str] = THEMES) -> list[str]:
    """Of axe-core's rules, in each theme."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    listed = []
    for theme in themes:
        page.emulate_media(**THEMES[theme])
        found = page.evaluate(RUN)
        nodes = [(it["id"], node["html"]) for it in found for node in it["nodes"]]
        listed += [f"{theme}: {rule}: {html[:120]}" for rule, html in nodes]
    return listed


@pytest.fixture
def still(browser: Browser, base_url: str) -> Iterator[Page]:
    """A page whose pictures stand still; axe itself has to be let past the policy."""
    with browser.new_context(
        base_url=base_url, bypass_csp=True, reduced_motion="reduce"
    ) as context:
        yield context.new_page()


def look_at(page: Page, paths: tuple[str, ...]) -> None:
    """In English on a desktop, in Japanese on a phone, than which nothing may be wider: colours do
    not depend on words, so that four looks at a page are enough."""
    found = {}
    for path in paths:
        page.goto(path)
        found[path] = violations(page, ("light", "dark"))
    page.set_viewport_size(PHONE)
    for path in paths:
        page.goto(f"/ja{path}")
        found[f"/ja{path}"] = violations(page, ("light", "forced"))
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            found[f"/ja{path}"].append("wider than a phone")
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_no_page_has_a_violation(still: Page) -> None:
    look_at(still, PAGES)


def test_explorer_wears_the_theme_and_can_be_read(still: Page) -> None:
    """Apart from what is Swagger UI's own: buttons in buttons, and its order and landmarks."""
    still.emulate_media(color_scheme="dark")
    still.goto("/api/explorer")
    still.locator(".opblock").first.wait_for()
    expect(still.locator("html")).to_have_class("dark-mode")
    expect(still.locator("#explorer")).not_to_have_css("background-color", "rgb(255, 255, 255)")
    own = ("nested-interactive", "heading-order", "landmark")
    assert [it for it in violations(still) if not it.split(": ")[1].startswith(own)] == []


@pytest.mark.parametrize("path", ["/", "/ja/"])
def test_page_at_work_has_no_violation(still: Page, path: str) -> None:
    still.goto(path)
    larger = file("large.jpg", jpeg((1300, 1000)))  # than what is free: full size is offered
    choose(still, larger, file("words.txt", b"-", "text/plain"))
    still.locator("[data-state=done] [data-offer=take]").wait_for()
    for summary in still.locator("#options summary").all():
        summary.click()
    still.locator("#options [name=size]").select_option("custom")
    assert violations(still) == []
    for opener, dialog in (
        ("#show-code", "#code-dialog"),
        ("#forget-all", "#forget-dialog"),
        ("[data-state=done] [data-action=touch-up]", "#editor"),
        ("[data-state=done] [data-action=view]", ".viewer"),
    ):
        still.locator(opener).click()
        still.locator(dialog).wait_for()
        assert violations(still) == [], dialog
        still.keyboard.press("Escape")
    still.locator("[data-state=done] [data-action=discard]").click()
    assert violations(still) == [], "a notice"


@pytest.fixture(scope="module")
def customer(server: Server) -> str:
    create(server, {"axe@example.com": "10"})
    return "axe@example.com"


def test_no_page_of_an_account_has_a_violation(still: Page, customer: str) -> None:
    sign_in(still, customer)
    still.locator("#resolution [value=full]").check(force=True)
    choose(still, COFFEE)
    still.locator("[data-state=priced]").wait_for()
    assert violations(still) == []
    look_at(still, OF_AN_ACCOUNT)
