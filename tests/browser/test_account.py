"""The whole way of a customer: sign up, key, test call, buy, production call, charge, refund; and
that of a visitor, from a free result to the same card in full size."""

import re
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, Object, signed
from tests.serving import serving

from .conftest import SAMPLES, environment_of
from .test_remove import card, choose, downloaded, file, jpeg
from .test_touch_up import MIDDLE, on_screen, set_brush

EMAIL, PASSWORD = "customer@example.com", "correct horse battery"
ADMIN, ADMIN_PASSWORD = "boss@example.com", "battery horse correct"
PREPARE = """
from accounts.models import User
from billing.models import CreditPack, PackPrice
User.objects.create_superuser("boss@example.com", "battery horse correct")
pack = CreditPack.objects.create(name="Hundred", credits=100)
PackPrice.objects.create(pack=pack, currency="eur", amount="10")
"""


@dataclass
class Site:
    url: str
    log: Path

    def mailed_link(self) -> str:
        """The latest address of this site that was mailed: mail goes to the console."""
        return re.findall(rf"{self.url}/accounts/\S+", self.log.read_text())[-1]

    def receive(self, event: Object) -> None:
        """Deliver a webhook as Stripe does."""
        body, signature = signed(event)
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        address = f"{self.url}/billing/stripe/webhook"
        with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as answer:
            assert answer.status == 200


@pytest.fixture(scope="module")
def site(prepared: Path) -> Iterator[Site]:
    """A shop of its own, with a fake Stripe behind it."""
    stripe = FakeStripe().start()
    environment = environment_of(prepared) | {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": stripe.url,
        "PYTHONUNBUFFERED": "1",
        "REMOVAL_ANONYMOUS_PER_HOUR": "3",
    }
    try:
        with serving(prepared, prepared=True, **environment) as server:
            shop = Site(server.url, server.log)
            stripe.deliver = shop.receive
            server.manage("shell", "-c", PREPARE)
            yield shop
    finally:
        stripe.stop()
    assert stripe.broken == []


def call(site: Site, pair: str, **fields: str) -> dict[str, str]:
    """The headers of an API answer to a photo, sent as curl -F sends it."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    )
    photo = (SAMPLES / "coffee.jpg").read_bytes()
    body = "".join(parts).encode() + photo + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    request = urllib.request.Request(f"{site.url}/api/v2/remove-background", body, headers)
    with urllib.request.urlopen(request) as answer:
        answer.read()
        return dict(answer.headers)


def log_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_up(page: Page, site: Site, email: str) -> None:
    page.goto(f"{site.url}/accounts/signup/")
    fill_in_and_confirm(page, site, email)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def fill_in_and_confirm(page: Page, site: Site, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("I have read and accept").check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("mailbox")
    page.goto(site.mailed_link())
    page.get_by_role("button", name="Confirm").click()


def create_key(page: Page, site: Site) -> str:
    page.goto(f"{site.url}/dashboard/keys")
    page.get_by_label("Label").fill("laptop")
    page.get_by_role("button", name="Create key").click()
    pair = [page.locator(f"#{name}").inner_text() for name in ("api-id", "api-secret")]
    return ":".join(pair)


def buy(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/pricing")
    page.get_by_role("button", name="Buy Hundred").click()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("status")).to_contain_text("100 credits are on your account")


def administer(page: Page, site: Site, request_id: str) -> None:
    """Grant 5 credits and refund one request, as staff do."""
    page.goto(f"{site.url}/admin/")
    log_in(page, ADMIN, ADMIN_PASSWORD)
    page.goto(f"{site.url}/admin/billing/account/?q={EMAIL}")
    page.get_by_role("link", name=EMAIL).click()
    page.get_by_role("link", name="Grant credits").click()
    page.get_by_label("Credits").fill("5")
    page.get_by_label("Reason").fill("thank you")
    page.get_by_role("button", name="Grant credits").click()
    page.goto(f"{site.url}/admin/billing/hold/?q={request_id}")
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Reason").fill("edges")
    page.get_by_role("button", name="Refund a request").click()
    expect(page.get_by_text("Refund a request: ")).to_be_visible()


def balance(page: Page, site: Site) -> str:
    page.goto(f"{site.url}/dashboard")
    return page.locator("#balance").inner_text()


def test_the_whole_way_of_a_customer(page: Page, site: Site) -> None:
    sign_up(page, site, EMAIL)
    pair = create_key(page, site)

    tested = call(site, pair, test="true")
    assert tested["X-Credits-Charged"] == "0"

    buy(page, site)
    assert balance(page, site) == "100"
    charged = call(site, pair)
    price = charged["X-Credits-Charged"]
    assert float(price) == float(tested["X-Credits-Calculated"]) > 0
    assert balance(page, site) == charged["X-Credits-Remaining"]
    row = page.get_by_role("row").filter(has_text=charged["X-Request-Id"])
    expect(row).to_contain_text(price)

    assert page.context.browser
    with page.context.browser.new_context() as staff:
        administer(staff.new_page(), site, charged["X-Request-Id"])
    assert balance(page, site) == "105"


def erase_the_middle(page: Page) -> None:
    set_brush(page, "Erase", 40)
    page.mouse.click(*on_screen(page, MIDDLE))
    page.locator("#editor").get_by_role("button", name="Apply").click()
    expect(page.locator("#editor")).to_be_hidden()


def test_the_way_of_a_visitor_to_the_same_card_in_full_size(browser: Browser, site: Site) -> None:
    """On a phone: free result -> touched up -> full size -> sign up -> mail -> buy -> the card."""
    phone = {"width": 390, "height": 844}
    with browser.new_context(base_url=site.url, viewport=phone, locale="en-GB") as context:
        page = context.new_page()
        page.clock.install()
        page.goto("/")
        photos = [file("large.jpg", jpeg((2000, 1500)))]
        photos += [file(f"small-{n}.jpg", jpeg((64, 64))) for n in range(4)]
        choose(page, *photos)
        quota = page.locator("#quota")
        expect(page.locator("[data-state=done]")).to_have_count(3)
        expect(quota.get_by_role("status")).to_contain_text("0 of 3 free pictures left this hour.")
        expect(quota.get_by_role("status")).to_contain_text("2 wait and go on by themselves")
        expect(page.locator("[data-state=waiting] .status-line")).to_have_text(
            ["Waits for the next free picture of the hour."] * 2
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

        told = {"limit": 3, "left": 1, "wait": 0, "signedIn": False}
        page.route("**/removals/allowance", lambda route: route.fulfill(json=told))
        with page.expect_response(lambda answer: answer.status == 429):
            page.clock.fast_forward(3_600_000)  # the next hour, but somebody else was faster
        page.unroute("**/removals/allowance")
        expect(page.locator("[data-state=waiting]")).to_have_count(2)

        large = card(page, "large.jpg")
        expect(large.locator(".card-size")).to_contain_text("of 2000 × 1500 px")
        large.locator("[data-action=touch-up]").click()
        erase_the_middle(page)
        page.get_by_role("combobox", name="Background").select_option("white")
        large.get_by_role("button", name="Full size, 0.200 credits").click()
        expect(page.get_by_text("Your pictures wait for you.")).to_be_visible()
        fill_in_and_confirm(page, site, "visitor@example.com")

        page.wait_for_url("**/?pictures-wait")
        expect(page.locator("[data-state=done]")).to_have_count(5)  # those that waited, too
        offer = large.get_by_role("button", name="Full size, 0.200 credits")
        expect(offer).to_be_focused()
        expect(large.locator(".card-size")).to_contain_text("of 2000 × 1500 px")
        expect(large.locator(".offer-line")).to_have_text("You need 0.200 credits more.")
        offer.click()
        expect(page.locator("#per-picture")).to_have_text("0.200 credits for each picture")
        page.get_by_role("button", name="Buy Hundred").click()
        page.get_by_role("button", name="Pay").click()
        page.get_by_role("link", name="Back to your pictures").click()

        expect(offer).to_be_focused()
        expect(offer).to_be_in_viewport()
        offer.click()
        expect(large.locator(".card-size")).to_have_text("2000 × 1500 px · 0.200 credits charged")
        expect(large.get_by_role("button", name="Download")).to_be_focused()
        page.get_by_role("combobox", name="Background").select_option("none")
        full = np.asarray(downloaded(page, "large.jpg")[1])
        assert full.shape == (1500, 2000, 4)
        assert not full[740:760, 990:1010].any()  # what was erased
        assert (full[..., 3] == 255).mean() > 0.2
        page.goto("/ja/")
        again = page.get_by_role("article", name="large.jpg")
        again.scroll_into_view_if_needed()
        with page.expect_download() as waiting:
            again.get_by_role("button", name="ダウンロード").click()
        with Image.open(waiting.value.path()) as picture:
            assert np.array_equal(np.asarray(picture), full)
        expect(page.get_by_role("article")).to_have_count(5)
        expect(page.locator(".card-name").first).to_have_text("large.jpg")  # in its place


def test_the_calculator_follows_the_size_as_it_is_typed(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/pricing")
    price, pictures = page.locator("#per-picture"), page.get_by_text("pictures of this size")
    for width, height, per_picture, count in (
        ("1000", "1000", "0.100 credits", "1,000 pictures"),
        ("100000", "100000", "1.300 credits", "76 pictures"),  # 25 megapixels are the most
        ("19", "1000", "0.051 credits", "1,960 pictures"),
    ):
        page.get_by_label("Width").fill(width)
        page.get_by_label("Height").fill(height)
        expect(price).to_have_text(f"{per_picture} for each picture")
        expect(pictures).to_have_text(f"{count} of this size")
    page.get_by_label("Height").fill("0")
    expect(price).to_be_hidden()
    expect(pictures).to_be_hidden()


def test_the_secret_stands_in_no_log_and_no_page(page: Page, site: Site) -> None:
    sign_up(page, site, "careful@example.com")
    pair = create_key(page, site)
    call(site, pair, test="true")
    secret = pair.split(":")[1]
    for address in ("/dashboard", "/dashboard/keys", "/dashboard/requests"):
        page.goto(site.url + address)
        assert secret not in page.content()
    assert secret not in site.log.read_text()
