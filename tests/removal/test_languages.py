"""Every public page has an address in each language, and readers get the one they can read."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from django.test import Client
from django.urls import get_script_prefix, reverse

from pixian_site.web import crawlers, languages

pytestmark = pytest.mark.django_db
JAPANESE = {"accept-language": "ja,en;q=0.5"}
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def language_of(page: bytes) -> str:
    found = re.search(rb'<html lang="(\w+)">', page)
    assert found
    return found[1].decode()


def links(page: bytes, relation: str) -> list[str]:
    return re.findall(rf'<link rel="{relation}" .*?href="(.*?)"', page.decode())


@pytest.mark.parametrize(
    ("path", "language", "address"),
    [
        ("/pricing", "ja", "/ja/pricing"),
        ("/ja/pricing", "en", "/pricing"),
        ("/ja/", "en", "/"),
        ("/ja", "en", "/"),
        ("/ja?a=b", "ja", "/ja/?a=b"),
        ("/?next=/ja/", "ja", "/ja/?next=/ja/"),
        ("/jam", "ja", "/ja/jam"),
    ],
)
def test_address_of_a_page_in_a_language(path: str, language: str, address: str) -> None:
    assert languages.address(path, language) == address


@pytest.mark.parametrize("name", crawlers.PUBLIC_PAGES)
def test_page_names_itself_and_its_alternates(client: Client, name: str) -> None:
    path = reverse(name)
    english, japanese = f"http://testserver{path}", f"http://testserver/ja{path}"
    for address, own, language in ((path, english, "en"), (f"/ja{path}", japanese, "ja")):
        page = client.get(address, {"from": "elsewhere"}).content
        assert language_of(page) == language
        assert links(page, "canonical") == [own]
        assert links(page, "alternate") == [english, japanese, english]


def test_links_of_a_japanese_page_stay_japanese(client: Client) -> None:
    page = client.get("/ja/about").content.decode()
    body = page.partition("<body>")[2]
    followed = re.findall(r'<a [^>]*href="(/[^"]*)"', body)
    assert followed
    assert [address for address in followed if not address.startswith("/ja/")] == []


def test_japanese_browser_is_sent_to_the_japanese_page(client: Client) -> None:
    answer = client.get("/pricing?pixels=5", headers=JAPANESE)
    assert (answer.status_code, answer["Location"]) == (302, "/ja/pricing?pixels=5")
    assert "Accept-Language" in answer["Vary"]


def test_choice_outweighs_the_browser(client: Client) -> None:
    chosen = client.post("/i18n/setlang/", {"language": "en", "next": "/pricing"})
    assert chosen["Location"] == "/pricing"
    assert client.get("/pricing", headers=JAPANESE).status_code == 200


def test_switch_leads_to_the_same_page(client: Client) -> None:
    page = client.get("/ja/pricing?pixels=5").content.decode()
    action = re.search(r'action="(.*?setlang.*?)"', page)
    there = re.search(r'name="next" value="(.*?)"', page)
    assert action
    assert there
    assert (action[1], there[1]) == ("/i18n/setlang/", "/pricing?pixels=5")
    chosen = client.post(action[1], {"language": "en", "next": there[1]})
    assert chosen["Location"] == there[1]


def test_pages_of_one_person_follow_the_browser(client: Client) -> None:
    page = client.get("/accounts/login/", headers=JAPANESE)
    assert page.status_code == 200
    assert language_of(page.content) == "ja"
    assert links(page.content, "canonical") == []


def test_a_login_in_japanese_comes_back_in_japanese(client: Client) -> None:
    answer = client.get("/ja/dashboard/keys")
    assert answer["Location"] == "/ja/accounts/login/?next=/ja/dashboard/keys"


def test_programs_have_one_address(client: Client) -> None:
    assert client.get("/ja/api/v2/account").status_code == 404
    assert client.get("/ja/v1.0/account").status_code == 404


def test_links_of_a_japanese_page_to_what_has_no_language_are_not_dead(client: Client) -> None:
    found = re.findall(r'href="(/[^"#]*api/[^"#]*)"', client.get("/ja/docs").content.decode())
    assert "/api/schema" in found
    assert [client.get(link).status_code for link in found] == [200] * len(found)


def test_a_language_ends_with_its_request(client: Client) -> None:
    client.get("/ja/pricing")
    assert get_script_prefix() == "/"


def test_unknown_page_is_told_in_the_language_of_its_address(client: Client) -> None:
    answer = client.get("/ja/no-such-page")
    assert answer.status_code == 404
    assert language_of(answer.content) == "ja"


def test_sitemap_lists_every_public_page_in_every_language(client: Client) -> None:
    answer = client.get("/sitemap.xml")
    assert answer["Content-Type"] == "application/xml"
    tree = ElementTree.fromstring(answer.content)
    told = {element.text for element in tree.iter(f"{SITEMAP}loc")}
    paths = [reverse(name) for name in crawlers.PUBLIC_PAGES]
    wanted = {languages.address(path, code) for path in paths for code in languages.codes()}
    assert told == {f"http://testserver{path}" for path in wanted}
    alternates = [link.get("hreflang") for link in tree.iter("{http://www.w3.org/1999/xhtml}link")]
    assert alternates == ["en", "ja", "x-default"] * len(told)


def test_robots_are_told_the_sitemap_and_what_to_leave(client: Client) -> None:
    lines = client.get("/robots.txt").content.decode().splitlines()
    assert "Sitemap: http://testserver/sitemap.xml" in lines
    assert {"Disallow: /dashboard", "Disallow: /ja/dashboard"} <= set(lines)
