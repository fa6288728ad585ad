"""The API documentation says what the code does: parameters, headers, errors, samples."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import services
from accounts.models import User
from removal.api import reading, v1
from removal.api.removebg import parameters as removebg_parameters
from removal.api.schema.answers import OF_RESULTS
from removal.api.schema.document import document
from removal.docs import samples, tables
from removal.docs.pages import PAGES
from removal.engine.options import OUTPUT_FORMATS
from removal.error_table import PARAMETER_CODES, ROWS

pytestmark = pytest.mark.django_db
SITE = "http://testserver"


def text_of(client: Client, name: str, prefix: str = "") -> str:
    response = client.get(prefix + reverse(name))
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def headings(text: str) -> set[str]:
    return set(re.findall(r'<h[23] id="([^"]+)"', text))


def code_blocks(text: str) -> str:
    return "\n".join(re.findall(r"<pre.*?</pre>", text, re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("prefix", ["", "/ja"])
def test_links_within_the_documentation_lead_somewhere(client, page, prefix):
    text = text_of(client, page.name, prefix)
    article = text.partition('<article class="prose">')[2]
    for address, _, place in {
        tuple(link.partition("#")) for link in re.findall(r'<a [^>]*href="([^"]*)"', article)
    }:
        if address.startswith(("/docs", "/ja/docs")) or not address:
            there = client.get(address) if address else None
            assert there is None or there.status_code == 200, address
            found = html.unescape(there.content.decode()) if there else text
            assert not place or f'id="{place}"' in found, (address, place)


def test_every_parameter_has_a_heading_with_values_and_default(client):
    text = text_of(client, "api_parameters")
    wanted = {*reading.SOURCES, *(row.name for row in reading.V2_PARAMETERS)}
    assert wanted <= headings(text)
    for row in reading.V2_PARAMETERS:
        part = text.partition(f'id="{row.name}"')[2].partition("<h3")[0]
        assert f"<dd>{row.allowed}</dd>" in part
        assert f"<dd>{row.default}</dd>" in part
        assert f"#e{PARAMETER_CODES[row.name]}" in part


def test_every_format_is_described(client):
    text = text_of(client, "api_parameters")
    for name in OUTPUT_FORMATS:
        assert f"<code>{name}</code></th>" in text


def test_every_header_of_a_result_is_described(client):
    text = text_of(client, "api_answers")
    for name in OF_RESULTS:
        assert f"<code>{name}</code></th>" in text


def test_every_call_of_batches_is_described(client):
    text = text_of(client, "api_batches")
    paths = document("https://your.site")["paths"]
    calls = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/v2/batches")
    }
    assert {row.name for row in tables.batch_calls()} == calls
    assert all(f"<code>{call}</code></th>" in text for call in calls)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_every_error_has_a_heading_and_its_status(client, row):
    text = text_of(client, "api_errors")
    assert f"e{row.code}" in headings(text)
    part = text.partition(f'id="e{row.code}"')[2].partition("<h3")[0]
    assert f"HTTP {row.status}." in part
    assert str(row.help) in part


def test_names_of_other_dialects_are_listed(client):
    text = text_of(client, "api_moving")
    for name in (*v1.NAMES.values(), *(row.name for row in removebg_parameters.PARAMETERS)):
        assert f"<code>{name}</code>" in text


@pytest.mark.parametrize(
    "row", [*reading.V2_PARAMETERS, *removebg_parameters.PARAMETERS], ids=lambda row: row.name
)
def test_what_is_allowed_is_told_in_japanese(row):
    with translation.override("ja"):
        for told in (row.allowed, getattr(row, "default", "")):
            if re.search("[a-z]{2,} [a-z]{2,}", told):
                assert translation.gettext(told) != told


@pytest.mark.parametrize("language", samples.LANGUAGES)
def test_samples_show_the_readers_own_site(client, language):
    client.defaults["HTTP_HOST"] = "localhost:8123"
    text = text_of(client, "api_samples")
    for task in ("upload", "url"):
        shown = text.partition(f'<code id="{task}-{language}"')[2].partition("</code>")[0]
        assert "http://localhost:8123/api/v2/remove-background" in shown
        assert samples.SITE not in shown
        assert "API_ID" in shown
        assert "API_SECRET" in shown


def test_samples_show_the_readers_newest_key_that_works(client):
    user = User.objects.create_user("alice@example.com")
    old, _ = services.issue_api_key(user)
    newest, _ = services.issue_api_key(user)
    client.force_login(user)
    for key in (newest, old):
        shown = code_blocks(text_of(client, "api_docs"))
        assert f"{key.public_id}:API_SECRET" in shown
        assert "API_ID" not in shown
        services.revoke(key)
    assert "API_ID:API_SECRET" in code_blocks(text_of(client, "api_docs"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_inline_that_the_policy_forbids(client, page):
    text = text_of(client, page.name)
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", text)


def test_navigation_and_footer_lead_to_the_documentation(client):
    text = text_of(client, "faq")
    assert text.count(f'href="{reverse("api_docs")}"') >= 2


def test_tables_have_no_words_that_the_code_does_not_use():
    rows: list[Any] = [*reading.V2_PARAMETERS, *removebg_parameters.PARAMETERS]
    used = {row.allowed for row in rows} | {getattr(row, "default", "") for row in rows}
    assert set(tables.WORDS) <= used
