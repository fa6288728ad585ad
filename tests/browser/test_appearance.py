"""What the eye needs: colours of one's own, still pictures, room on a phone, dates and numbers."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving import Server

from .people import create, sign_in
from .test_remove import COFFEE, choose

PHONES = (390, 320)
CHOSEN = {  # page -> what is chosen there and a neighbour that is not
    "/": [
        (".swatch:has(:checked)", ".swatch:not(:has(:checked))"),
        (".chip:has(:checked)", ".chip:not(:has(:checked))"),
        ("#resolution .segment:has(:checked)", "#resolution .segment:not(:has(:checked))"),
        ("#editor .segment:has(:checked)", "#editor .segment:not(:has(:checked))"),
    ],
    "/docs": [
        (".docs-nav [aria-current]", ".docs-nav a:not([aria-current])"),
        (".tabs :checked + label", ".tabs :not(:checked) + label"),
    ],
    "/dashboard": [(".choices [aria-current]", ".choices a:not([aria-current])")],
}
LOOK = """selector => {
    const { backgroundColor, borderColor } = getComputedStyle(document.querySelector(selector));
    return [backgroundColor, borderColor];
}"""
# Each square of the chequered ground, against black and against white.
CONTRASTS = """() => {
    const style = getComputedStyle(document.documentElement);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return ["--check-a", "--check-b"].flatMap((name) => {
        const parts = style.getPropertyValue(name).match(/[0-9a-f]{2}/g);
        const [r, g, b] = parts.map((part) => linear(parseInt(part, 16) / 255));
        const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        return [1.05 / (light + 0.05), (light + 0.05) / 0.05];
    });
}"""


@pytest.fixture(scope="module")
def seen(server: Server) -> str:
    create(server, {"seen@example.com": "10"})
    return "seen@example.com"


def test_forced_colours_show_what_is_chosen_the_progress_and_the_ground(
    page: Page, seen: str
) -> None:
    page.emulate_media(forced_colors="active", color_scheme="dark", reduced_motion="reduce")
    sign_in(page, seen)
    for path, pairs in CHOSEN.items():
        page.goto(path)
        for chosen, other in pairs:
            assert page.evaluate(LOOK, chosen) != page.evaluate(LOOK, other), chosen
    page.goto("/")
    page.route("**/removals", lambda route: None)  # stays at work
    choose(page, COFFEE)
    bar = page.locator(".card .veil .progress")
    expect(bar).to_be_visible()
    expect(bar).to_have_css("border-style", "solid")
    page.locator("body").evaluate(
        "(it) => it.insertAdjacentHTML('beforeend', `<i class='checkerboard'></i>`)"
    )
    expect(page.locator("i.checkerboard")).to_have_css("forced-color-adjust", "none")
    page.goto("/accounts/2fa/totp/activate/")
    expect(page.locator(".qr")).to_have_css("background-color", "rgb(255, 255, 255)")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chequered_ground_shows_dark_and_light_subjects(home: Page, theme: str) -> None:
    home.emulate_media(color_scheme=theme)
    assert min(home.evaluate(CONTRASTS)) >= 3


def test_without_motion_a_bar_at_work_does_not_look_empty(home: Page) -> None:
    home.emulate_media(reduced_motion="reduce")
    home.locator("body").evaluate(
        "(it) => it.insertAdjacentHTML('beforeend', `<progress class='progress'></progress>`)"
    )
    bar = home.locator("body > .progress")
    expect(bar).to_have_css("animation-name", "none")
    assert "repeating-linear-gradient" in bar.evaluate(
        "(it) => getComputedStyle(it).backgroundImage"
    )


@pytest.mark.parametrize("path", ["/", "/ja/"])
def test_link_field_has_room_on_a_phone(browser: Browser, base_url: str, path: str) -> None:
    for width in PHONES:
        with browser.new_context(
            base_url=base_url,
            viewport={"width": width, "height": 844},
            has_touch=True,
            is_mobile=True,
        ) as context:
            page = context.new_page()
            page.goto(path)
            box = page.locator("#link-input").bounding_box()
            assert box
            assert box["width"] >= 160
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_are_copied_and_changed_on_a_phone(browser: Browser, base_url: str, seen: str) -> None:
    with browser.new_context(
        base_url=base_url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        sign_in(page, seen)
        page.goto("/dashboard/keys")
        page.get_by_role("button", name="Create key").click()
        public_id = page.locator("#api-id").inner_text()
        page.get_by_role("button", name="Copy API Id").click()
        expect(page.locator("[data-copy=api-id]")).to_contain_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == public_id
        page.get_by_role("link", name="To the list of keys").click()
        change = page.get_by_role("link", name=f"Change {public_id}")
        box = change.bounding_box()
        assert box
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
        change.click()
        expect(page.get_by_role("button", name="Copy API Id")).to_be_visible()
