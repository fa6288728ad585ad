"""The API documentation in a browser: programs in tabs, copying, paper, the decoder it shows."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from removal.docs.pages import PAGES

DOCS = [f"/{page.path}" for page in PAGES]
PHONE = {"width": 390, "height": 844}
ROOT = Path(__file__).resolve().parent.parent.parent
DECODER = ROOT / "templates" / "docs" / "samples" / "delta.mjs"
VECTORS = ROOT / "tests" / "vectors" / "delta_png"
RESTORE = """async ({ decoder, delta, photo }) => {
    const blob = async (text, type) => (await fetch(`data:${type};base64,${text}`)).blob();
    const module = URL.createObjectURL(await blob(decoder, "text/javascript"));
    const { restore, pixelsOf } = await import(module);
    const original = await pixelsOf(await blob(photo, "image/png"));
    const result = await restore(await (await blob(delta, "image/png")).arrayBuffer(), original);
    return [...result.data];
}"""


@pytest.fixture(params=["scripts", "no scripts"])
def samples(request: pytest.FixtureRequest, browser: Browser, base_url: str) -> Iterator[Page]:
    scripts = request.param == "scripts"
    with browser.new_context(base_url=base_url, java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto("/docs/samples")
        yield page


def shown(page: Page) -> list[str]:
    programs = page.locator("[data-language]:visible").all()
    return [program.get_attribute("data-language") or "" for program in programs]


def test_language_is_chosen_by_keyboard_with_and_without_scripts(samples: Page) -> None:
    assert shown(samples) == ["sh", "sh"]
    samples.get_by_role("radio", name="curl").focus()
    samples.keyboard.press("ArrowRight")
    expect(samples.get_by_role("radio", name="Python")).to_be_checked()
    assert shown(samples) == ["py", "py"]


def test_language_is_chosen_by_pointer(samples: Page) -> None:
    samples.get_by_text("Ruby", exact=True).first.click()
    assert shown(samples) == ["rb", "rb"]


def test_chosen_language_is_kept_from_page_to_page(page: Page) -> None:
    page.goto("/docs/samples")
    page.get_by_text("Go", exact=True).first.click()
    page.goto("/docs")
    assert shown(page) == ["go"]


def test_program_is_copied_whole(browser: Browser, base_url: str) -> None:
    with browser.new_context(base_url=base_url) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto("/docs")
        page.locator("[data-copy=upload-sh]").click()
        expect(page.locator("[data-copy=upload-sh]")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl --fail-with-body")
    assert f"{base_url}/api/v2/remove-background" in copied


@pytest.mark.parametrize("prefix", ["", "/ja"])
def test_nothing_is_wider_than_a_phone(browser: Browser, base_url: str, prefix: str) -> None:
    with browser.new_context(viewport=PHONE, base_url=base_url) as context:
        page = context.new_page()
        for path in DOCS:
            page.goto(prefix + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


def test_paper_has_the_text_alone_in_black_on_white(browser: Browser, base_url: str) -> None:
    with browser.new_context(base_url=base_url, color_scheme="dark") as context:
        page = context.new_page()
        page.goto("/docs/limits")
        page.emulate_media(media="print", color_scheme="dark")
        for part in (".site-header", ".docs-nav", ".site-footer"):
            expect(page.locator(part)).to_be_hidden()
        colours = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body)"
            ".backgroundColor]"
        )
        assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        assert re.match(rb"%PDF-", page.pdf())


def test_decoder_restores_in_the_browser_what_it_should(browser: Browser, base_url: str) -> None:
    def text(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    files = {
        "decoder": text(DECODER),
        "delta": text(VECTORS / "delta-all-filters.png"),
        "photo": text(VECTORS / "original.png"),
    }
    with browser.new_context(base_url=base_url, bypass_csp=True) as context:
        page = context.new_page()
        page.goto("/docs/delta-png")
        result = page.evaluate(RESTORE, files)
    with Image.open(VECTORS / "cut-out.png") as cut_out:
        assert result == np.asarray(cut_out).ravel().tolist()
