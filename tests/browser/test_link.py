"""Pictures that come as a link: the server fetches them, under the guard that the API has."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving import Server

from .test_remove import downloaded


@pytest.mark.parametrize("locale", ["en-GB", "ja-JP"])
def test_photo_behind_a_link_is_cut_out(browser: Browser, server: Server, locale: str) -> None:
    with browser.new_context(base_url=server.url, locale=locale) as context:
        page = context.new_page()
        page.goto("/")
        # of all names for this machine, the tests' server may fetch from this one
        address = f"http://localhost:{server.port}/static/img/samples/coffee.jpg"
        page.locator("#link-input").fill(address)
        page.locator("#link-input").press("Enter")
        card = page.get_by_role("article", name="coffee.jpg")
        expect(card.locator(".card-size")).to_have_text("600 × 400 px")
        page.reload()
        expect(card.locator(".compare-before img")).to_be_visible()


def test_linked_photo_is_downloaded_like_any_other(home: Page, server: Server) -> None:
    address = f"http://localhost:{server.port}/static/img/samples/coffee.jpg"
    home.get_by_label("Link to a photo").fill(address)
    home.get_by_role("button", name="Use link").click()
    assert downloaded(home, "coffee.jpg")[1].size == (600, 400)


def test_link_into_the_private_network_is_refused(home: Page, base_url: str) -> None:
    home.get_by_label("Link to a photo").fill(f"{base_url}/static/img/samples/coffee.jpg")
    home.get_by_role("button", name="Use link").click()
    expect(home.get_by_role("article", name="coffee.jpg")).to_be_visible()
    expect(home.get_by_role("alert")).to_contain_text("not public")


def test_link_before_the_script_is_there_leaves_the_page_alone(page: Page, base_url: str) -> None:
    page.route("**/js/main*.js", lambda route: route.abort())
    page.goto("/")
    page.locator("#link-input").fill("https://example.com/photo.jpg")
    page.locator("#link-input").press("Enter")
    page.locator("#link-input").press("Enter")
    assert page.url == f"{base_url}/"
    expect(page.locator("#link-input")).to_have_value("https://example.com/photo.jpg")


@pytest.mark.parametrize("words", ["", "photo.jpg", "ftp://example.com/photo.jpg"])
def test_what_is_no_link_is_not_taken(home: Page, words: str) -> None:
    home.get_by_label("Link to a photo").fill(words)
    home.get_by_role("button", name="Use link").click()
    field = home.get_by_label("Link to a photo")
    expect(field).to_be_focused()
    assert "begins with https://" in field.evaluate("(field) => field.validationMessage")
    expect(home.get_by_role("article")).to_have_count(0)
    field.fill("http://127.0.0.1/cat.jpg")  # the complaint does not outlive the mistake
    field.press("Enter")
    expect(home.get_by_role("article", name="cat.jpg")).to_be_visible()


def test_pasted_link_is_taken(home: Page) -> None:
    home.evaluate(
        """() => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", "http://127.0.0.1/cat.jpg");
            dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }"""
    )
    expect(home.get_by_role("article", name="cat.jpg")).to_be_visible()
