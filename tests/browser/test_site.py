"""What holds on every page: languages, keyboard, sizes of screen, no outside request."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .test_docs import DOCS
from .test_remove import COFFEE, card, choose

PHONE = {"width": 390, "height": 844}


def test_language_is_switched_and_remembered(home: Page) -> None:
    home.get_by_role("button", name="日本語").click()
    expect(home.locator("html")).to_have_attribute("lang", "ja")
    expect(home.get_by_role("heading", level=1)).to_contain_text("背景を消す")
    home.goto("/")
    expect(home.locator("html")).to_have_attribute("lang", "ja")
    home.get_by_role("button", name="English").click()
    expect(home.locator("html")).to_have_attribute("lang", "en")


def test_browser_set_to_japanese_gets_japanese(browser: Browser, base_url: str) -> None:
    with browser.new_context(locale="ja-JP", base_url=base_url) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", "ja")


def test_error_is_told_in_japanese(browser: Browser, base_url: str) -> None:
    with browser.new_context(locale="ja-JP", base_url=base_url) as context:
        page = context.new_page()
        page.goto("/")
        broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff"}
        page.locator("#file-input").set_input_files(broken)
        expect(page.get_by_role("alert")).to_contain_text("画像を読み取れませんでした")


@pytest.mark.parametrize("locale", ["en-GB", "ja-JP"])
def test_nothing_is_wider_than_a_phone(browser: Browser, base_url: str, locale: str) -> None:
    with browser.new_context(locale=locale, viewport=PHONE, base_url=base_url) as context:
        page = context.new_page()
        for path in ("/", "/no-such-page"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.goto("/")
        page.locator("[data-sample]").first.click()
        page.locator("[data-state=done]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.fixture(scope="module")
def japanese(browser: Browser, base_url: str) -> Iterator[Page]:
    with browser.new_context(locale="ja-JP", base_url=base_url) as context:
        yield context.new_page()


@pytest.mark.parametrize(
    "path", ["/", "/about", "/faq", "/privacy", "/terms", "/pricing", "/nope", *DOCS]
)
def test_no_english_is_left_in_japanese(japanese: Page, path: str) -> None:
    japanese.goto(path)
    said = japanese.evaluate(
        """() => {
            const roots = [document.body, ...document.querySelectorAll("template")];
            const spoken = ["aria-label", "alt", "placeholder", "title"];
            return roots.flatMap((root) => {
                const tree = root.content ?? root;
                const silent = ":not(script, style, noscript, [lang=en])";
                const elements = [...tree.querySelectorAll(silent)];
                return elements.flatMap((element) => [
                    ...spoken.map((name) => element.getAttribute(name) ?? ""),
                    ...[...element.childNodes].filter((it) => it.nodeType === Node.TEXT_NODE)
                        .map((it) => it.textContent.trim()),
                ]);
            });
        }"""
    )
    strange = [words for words in said if re.search(r"[a-z]{2,} [a-z]{2,}", words)]
    assert [words for words in strange if not re.search("[ぁ-ヿ一-龥]", words)] == []


def test_pictures_are_cut_out_by_keyboard_alone(home: Page) -> None:
    for _ in range(20):
        home.keyboard.press("Tab")
        if home.evaluate("document.activeElement.name === 'showcase'"):
            break
    for key in ("ArrowRight", "ArrowRight", "Tab", "Enter"):  # hair, fur, product; open it
        home.keyboard.press(key)
    home.locator("[data-state=done]").wait_for()
    download = home.locator("[data-action=download]")
    for _ in range(30):
        home.keyboard.press("Tab")
        if download.evaluate("(it) => it === document.activeElement"):
            break
    with home.expect_download() as waiting:
        home.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "coffee-cutout.png"


def test_every_control_is_reached_by_tab(home: Page) -> None:
    reached = []
    for _ in range(8):
        home.keyboard.press("Tab")
        reached.append(
            home.evaluate("document.activeElement.id || document.activeElement.innerText")
        )
    assert reached[0] == "Skip to content"
    assert "file-input" in reached
    assert "日本語" in reached


def test_skip_link_leads_past_the_header(home: Page) -> None:
    home.keyboard.press("Tab")
    home.keyboard.press("Enter")
    expect(home.locator("main")).to_be_focused()


def test_no_request_leaves_the_site(page: Page, base_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    page.locator("[data-sample]").first.click()
    page.locator("[data-state=done]").wait_for()
    assert asked
    assert [url for url in asked if not url.startswith((base_url, f"blob:{base_url}"))] == []


def test_policy_allows_no_inline_code(page: Page) -> None:
    answer = page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "default-src 'self'" in policy


def test_missing_page_says_so_and_leads_back(page: Page) -> None:
    answer = page.goto("/no-such-page")
    assert answer is not None
    assert answer.status == 404
    page.get_by_role("link", name="Back to the front page").click()
    expect(page).to_have_url(re.compile("/$"))


def test_scripts_and_styles_have_hashed_names(home: Page) -> None:
    loaded = home.evaluate("performance.getEntriesByType('resource').map((it) => it.name)")
    ours = [name for name in loaded if re.search(r"\.(js|css)$", name)]
    assert len(ours) > 5
    assert all(re.search(r"\.[0-9a-f]{12}\.(js|css)$", name) for name in ours)


def test_first_load_is_light(home: Page) -> None:
    """Bytes as they come over the line, the first sample's before and after among them."""
    expect(home.locator("#showcase img").first).to_have_js_property("complete", True)
    sizes = home.evaluate(
        """["navigation", "resource"]
            .flatMap((kind) => performance.getEntriesByType(kind))
            .map(({ encodedBodySize }) => encodedBodySize)"""
    )
    assert len(sizes) > 20
    assert sum(sizes) < 150_000


def test_a_chosen_photo_comes_into_sight_on_a_phone(browser: Browser, base_url: str) -> None:
    with browser.new_context(base_url=base_url, viewport=PHONE) as context:
        page = context.new_page()
        page.goto("/")
        choose(page, COFFEE)
        expect(card(page, "coffee.jpg").get_by_role("button", name="Download")).to_be_in_viewport()
