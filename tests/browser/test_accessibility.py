"""No violation of axe-core's rules: every page, with its rows, in both themes and in forced
colours, in English on a desktop and in Japanese on a phone; the front page in every state. With
ACCESSIBILITY=whole each page in each theme, language and size."""

import importlib.util
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from removal.docs.pages import PAGES as DOCS
from tests.fake_stripe import SECRET_KEY, WEBHOOK_SECRET
from tests.life import code
from tests.serving import Server, serving

from . import history
from .conftest import environment_of
from .people import PASSWORD, create, log_in, sign_in
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
RARE = (
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/inactive/",
)
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
THEMES = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}
Look = tuple[str, ViewportSize, tuple[str, ...]]
WHOLE = os.environ.get("ACCESSIBILITY") == "whole"
# Language, size and themes. Colours do not depend on words, so that four looks are enough.
FEW: list[Look] = [("", DESKTOP, ("light", "dark")), ("/ja", PHONE, ("light", "forced"))]
EVERY: list[Look] = [
    (language, size, tuple(THEMES)) for language in ("", "/ja") for size in (DESKTOP, PHONE)
]
LOOKS = EVERY if WHOLE else FEW
# Pages with rows wear what those without have shown: of these, the tests take two looks.
FEWEST: list[Look] = [("", DESKTOP, ("dark",)), ("/ja", PHONE, ("light",))]
STATES = [(f"{language}/", size) for language, size, _ in LOOKS]


# The theme is worn with the next frame; colours on their way to it are no fault.
RUN = """async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (const animation of document.getAnimations()) animation.finish();
    return axe.run({ resultTypes: ["violations"] }).then((answer) => answer.violations);
}"""


# On a desktop no table has to be moved sideways.
WIDEST = """() => {
    const tables = innerWidth < 1000 ? [] : document.querySelectorAll(".scroll");
    const cut = [...tables].some((it) => it.scrollWidth > it.clientWidth);
    return cut ? Infinity : document.documentElement.scrollWidth;
}"""


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


def look_at(
    page: Page,
    paths: Sequence[str],
    looks: Sequence[Look] = LOOKS,
    before: Callable[[Page], None] = lambda page: None,
) -> None:
    """Nothing may be wider than its place. `before` comes before each round."""
    found = {}
    for language, size, themes in looks:
        page.set_viewport_size(size)
        before(page)
        for path in map(language.__add__, paths):
            page.goto(path)
            assert page.url.endswith(path), "led elsewhere"
            name = f"{path} at {size['width']}"
            found[name] = violations(page, themes)
            if page.evaluate(WIDEST) > size["width"]:
                found[name].append("wider than its place")
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_no_page_has_a_violation(still: Page) -> None:
    look_at(still, PAGES + (RARE if WHOLE else ()))


@pytest.mark.parametrize("size", [DESKTOP, PHONE] if WHOLE else [DESKTOP])
def test_explorer_wears_the_theme_and_can_be_read(still: Page, size: ViewportSize) -> None:
    still.set_viewport_size(size)
    still.emulate_media(color_scheme="dark")
    still.goto("/api/explorer")
    still.locator(".opblock").first.wait_for()
    expect(still.locator("html")).to_have_class("dark-mode")
    expect(still.locator("#explorer")).not_to_have_css("background-color", "rgb(255, 255, 255)")
    operation = still.locator("#operations-v2-remove_background")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table").wait_for()
    still.get_by_role("button", name="Authorize").click()
    still.locator(".dialog-ux").wait_for()
    assert violations(still) == []


@pytest.mark.parametrize(("path", "size"), STATES)
def test_page_at_work_has_no_violation(still: Page, path: str, size: ViewportSize) -> None:
    still.set_viewport_size(size)
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


def test_page_that_tells_a_price_has_no_violation(still: Page, customer: str) -> None:
    sign_in(still, customer)
    still.locator("#resolution [value=full]").check(force=True)
    choose(still, COFFEE)
    still.locator("[data-state=priced]").wait_for()
    assert violations(still) == []


@pytest.fixture(scope="module")
def site(prepared: Path) -> Iterator[Server]:
    """One that sells and lets people in from elsewhere."""
    selling = {"STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    environment = environment_of(prepared) | selling | history.PROVIDERS
    with serving(prepared, prepared=True, **environment) as server:
        yield server


@pytest.fixture(scope="module")
def pages(site: Server) -> dict[str, list[str]]:
    """Who sees them -> addresses."""
    return json.loads(site.manage("shell", "-c", history.MAKE).splitlines()[-1])


def confirm(page: Page) -> None:
    """Some pages ask for the password once more after some minutes."""
    page.goto("/accounts/reauthenticate/?next=/about")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/about")


@pytest.mark.parametrize("person", [history.EMAIL, history.NEWCOMER, history.STAFF])
def test_no_page_of_an_account_has_a_violation(
    browser: Browser, site: Server, pages: dict[str, list[str]], person: str
) -> None:
    with browser.new_context(
        base_url=site.url, bypass_csp=True, reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        page.goto("/accounts/login/")
        assert violations(page) == []
        log_in(page, person)
        if person == history.EMAIL:
            page.wait_for_url("**/2fa/authenticate/")
            assert violations(page) == []
            page.locator("[name=code]").first.fill(code(history.TOTP_SECRET))
            page.locator("[name=code]").first.press("Enter")
        page.wait_for_url("**/dashboard")
        look_at(page, pages[person], EVERY if WHOLE else FEWEST, confirm)
        page.goto("/dashboard/keys")
        page.locator("[name=label]").fill("one more")
        page.locator("[name=label]").press("Enter")
        page.locator("#api-secret").wait_for()
        assert violations(page) == []
