"""Somebody with an account, as the tests of the page need them."""

from playwright.sync_api import Page, expect

from tests.serving import Server

PASSWORD = "correct horse battery"
CREATE = """
from decimal import Decimal
from accounts.models import User
from billing import ledger
for email, amount in {accounts}.items():
    user = User.objects.create_user(email, "{password}")
    user.confirm_email()
    ledger.grant(user, Decimal(amount), "for the test")
"""


def create(server: Server, accounts: dict[str, str]) -> None:
    """Accounts with a confirmed address: email -> credits."""
    server.manage("shell", "-c", CREATE.format(accounts=accounts, password=PASSWORD))


def log_in(page: Page, email: str) -> None:
    """On the page that asks for it."""
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")


def sign_in(page: Page, email: str) -> None:
    """End at the front page, signed in."""
    page.goto("/accounts/login/?next=/")
    log_in(page, email)
    expect(page.locator("#resolution")).to_be_visible()
    page.wait_for_load_state()  # the page's script is there to take pictures
