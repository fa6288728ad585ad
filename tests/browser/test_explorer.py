"""The API explorer works under the site's own content policy, and asks nobody else for anything."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from removal.api.schema.operations import OPERATIONS


def test_explorer_lists_every_endpoint_and_sends_requests(page: Page, base_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/explorer")
    expect(page.locator(".opblock")).to_have_count(len(OPERATIONS))
    account = page.locator("#operations-v2-account")
    account.locator(".opblock-summary-control").click()
    account.get_by_role("button", name="Try it out").click()
    account.get_by_role("button", name="Execute").click()
    expect(account.locator(".live-responses-table .response-col_status").last).to_contain_text(
        "401"
    )
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(base_url).netloc}


def test_explorer_has_a_field_for_each_parameter_and_file(page: Page) -> None:
    page.goto("/api/explorer")
    operation = page.locator("#operations-v2-remove_background")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    expect(operation.locator("input[type=file]")).to_be_visible()
    expect(operation.get_by_text("result.target_size", exact=True)).to_be_visible()
