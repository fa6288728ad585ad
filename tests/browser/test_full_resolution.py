"""Full resolution on the page: the price before, the charge after, and what is missing."""

import io
import json
import random
from decimal import Decimal

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from billing.pricing import price
from tests.serving import Server

from .people import create, sign_in
from .test_remove import ASTRONAUT, choose, downloaded, file

BOOK = """
from decimal import Decimal
from accounts.models import User
from billing import ledger
ledger.{way}(User.objects.get(email="{email}"), Decimal("{amount}"), "elsewhere")
"""
RICH, CAREFUL, LINKED = "rich@example.com", "careful@example.com", "linked@example.com"
POOR, SPENDER, LATE = "poor@example.com", "spender@example.com", "late@example.com"


@pytest.fixture(scope="module", autouse=True)
def accounts(server: Server) -> None:
    amounts = {RICH: "10", CAREFUL: "10", LINKED: "10", POOR: "0.3", SPENDER: "0.3", LATE: "0.3"}
    create(server, amounts)


def book(server: Server, way: str, email: str, amount: str) -> None:
    """Grant or remove credits behind the page's back."""
    server.manage("shell", "-c", BOOK.format(way=way, email=email, amount=amount))


def photo(name: str, width: int, height: int) -> FilePayload:
    buffer = io.BytesIO()
    Image.open(ASTRONAUT).resize((width, height)).save(buffer, "JPEG")
    return file(name, buffer.getvalue())


def want_full(page: Page, *photos: FilePayload) -> None:
    page.locator("#resolution [value=full]").check(force=True)
    choose(page, *photos)
    expect(page.locator("[data-state=priced]")).to_have_count(len(photos))


def start(page: Page) -> None:
    """Say yes to the price and wait for all results."""
    waiting = page.locator("[data-state=priced]").count()
    page.locator("#start").click()
    expect(page.locator("[data-state=done]")).to_have_count(waiting)


def test_price_is_told_before_and_charge_after(page: Page) -> None:
    sign_in(page, RICH)
    expect(page.locator(".balance")).to_have_text("You have 10 credits.")
    want_full(page, photo("large.jpg", 2000, 1500), photo("small.jpg", 400, 300))
    lines = page.locator(".status-line")
    expect(lines).to_have_text(
        ["0.200 credits. Not started yet.", "0.056 credits. Not started yet."]
    )
    expect(page.locator(".batch-price")).to_have_text("2 × full resolution: 0.256 credits in all.")
    start(page)
    expect(page.locator(".batch-price")).to_have_text("0.256 credits charged, 9.744 left.")
    expect(page.locator(".card-size").first).to_have_text("2000 × 1500 px · 0.200 credits charged")
    assert downloaded(page, "large.jpg")[1].size == (2000, 1500)
    page.goto("/dashboard")
    expect(page.locator("#balance")).to_have_text("9.744")


def test_nothing_starts_or_costs_before_the_word_is_given(page: Page) -> None:
    page.route("**/removals", lambda route: pytest.fail("sent"))
    sign_in(page, CAREFUL)
    want_full(page, photo("large.jpg", 2000, 1500))
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("#batch")).to_be_hidden()


def test_pictures_without_a_known_size_have_a_highest_price(page: Page) -> None:
    sign_in(page, LINKED)
    page.locator("#resolution [value=full]").check(force=True)
    page.locator("#link-input").fill("http://localhost/photo.jpg")
    page.locator("#link-input").press("Enter")
    expect(page.locator(".status-line")).to_have_text("At most 1.300 credits. Not started yet.")
    expect(page.locator(".batch-price")).to_contain_text("at most 1.300 credits")


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en-GB", "You need 0.250 credits more."), ("ja-JP", "あと 0.250 クレジット必要です。")],
)
def test_too_few_credits_lead_to_the_prices(
    browser: Browser, base_url: str, locale: str, sentence: str
) -> None:
    phone = {"width": 390, "height": 844}
    with browser.new_context(base_url=base_url, locale=locale, viewport=phone) as context:
        page = context.new_page()
        sign_in(page, POOR)
        want_full(page, photo("huge.jpg", 4000, 2500))
        expect(page.locator(".batch-lack-text")).to_have_text(sentence)
        expect(page.locator("#start")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator(".batch-lack a").click()
        page.wait_for_url("**/pricing")
        page.goto("/")  # the picture is still to be had
        expect(page.locator("[data-state=priced] .card-name")).to_have_text("huge.jpg")
        expect(page.locator(".batch-lack-text")).to_have_text(sentence)


def test_credits_that_went_elsewhere_are_told_on_the_card(
    page: Page, server: Server, complaints: list[str]
) -> None:
    sign_in(page, SPENDER)
    choose(page, photo("free.jpg", 1400, 1000))
    offer = page.get_by_role("button", name="Full size")
    offer.wait_for()
    want_full(page, photo("large.jpg", 2000, 1500))
    book(server, "remove", SPENDER, "0.2")
    offer.click()
    notice = page.locator(".toast").filter(has_text="free.jpg: There are not enough credits")
    buying = notice.get_by_role("link", name="Buy credits")
    expect(buying).to_have_attribute("href", "/pricing?width=1400&height=1000")
    notice.get_by_role("button", name="Close").click()
    page.locator("#start").click()
    expect(page.get_by_role("alert")).to_contain_text("not enough credits")
    way = page.locator("[data-state=failed] .error-help a")
    expect(way).to_have_attribute("href", "/pricing")
    complaints.clear()  # the console has it, too


def test_failed_picture_keeps_its_resolution_and_asks_its_price_after_a_reload(
    page: Page, server: Server
) -> None:
    sign_in(page, LATE)
    want_full(page, photo("large.jpg", 1400, 1000))
    book(server, "remove", LATE, "0.2")
    page.locator("#start").click()
    expect(page.locator("[data-state=failed]")).to_be_visible()
    book(server, "grant", LATE, "1")
    page.reload()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".batch-price")).to_have_text("1 × full resolution: 0.120 credits in all.")
    start(page)
    expect(page.locator(".batch-price")).to_have_text("0.120 credits charged, 0.980 left.")
    expect(page.locator(".card-size")).to_have_text("1400 × 1000 px · 0.120 credits charged")


def test_visitors_are_shown_the_way_in(home: Page) -> None:
    expect(home.locator("#resolution")).to_have_count(0)
    expect(home.get_by_role("link", name="Sign in for full resolution")).to_be_visible()


def test_page_and_ledger_have_one_price(shared_page: Page) -> None:
    chance = random.Random(6)
    counts = [1, 10_000, 999_999, 1_000_000, 25_000_000]
    counts += [chance.randrange(1, 25_000_000) for _ in range(2000)]
    counts += [10_000 * n for n in range(1, 200)]  # exact halves of a thousandth
    found = shared_page.evaluate(
        """async (counts) => {
            const { Tariff } = await import("/static/js/price.js");
            const tariff = new Tariff("0.05", "0.05");
            return counts.map((count, at) => tariff.of(count, at % 2 ? "2.5" : "1"));
        }""",
        counts,
    )
    assert found == [
        int(price(count, factor=Decimal("2.5" if at % 2 else "1")) * 1000)
        for at, count in enumerate(counts)
    ], json.dumps(counts[:5])
