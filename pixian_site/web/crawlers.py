"""robots.txt, the sitemap and the links between languages, for search engines."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_GET

from accounts.public import public_address
from removal.docs.pages import PAGES as DOCS

from . import languages

# Each of these has its own URL in every language.
PUBLIC_PAGES = (
    "home",
    "pricing",
    *(page.name for page in DOCS),
    "about",
    "faq",
    "privacy",
    "terms",
)
# Personal pages; crawling them is useless.
PRIVATE_FOLDERS = ("/accounts/", "/billing/", "/dashboard", "/i18n/")


@dataclass(frozen=True, slots=True)
class Alternates:
    """A page's absolute URLs: its own, one for each language, and the default."""

    own: str
    default: str
    by_language: dict[str, str]


def has_languages(path: str) -> bool:
    """Whether the page at `path` (without a prefix) has a URL in every language."""
    try:
        return resolve(path).url_name in PUBLIC_PAGES
    except Resolver404:
        return False


def alternates_of(request: HttpRequest, path: str) -> Alternates:
    def absolute(language: str) -> str:
        return public_address(request, languages.address(path, language))

    own, _ = languages.split(path)
    by_language = {code: absolute(code) for code in languages.codes()}
    default = by_language[settings.LANGUAGE_CODE]
    return Alternates(by_language[own or settings.LANGUAGE_CODE], default, by_language)


@require_GET
def robots(request: HttpRequest) -> HttpResponse:
    folders = [
        languages.address(folder, code) for code in languages.codes() for folder in PRIVATE_FOLDERS
    ]
    lines = [
        "User-agent: *",
        *(f"Disallow: {folder}" for folder in folders),
        f"Sitemap: {public_address(request, reverse('sitemap'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_GET
def sitemap(request: HttpRequest) -> HttpResponse:
    pages = [alternates_of(request, reverse(name)) for name in PUBLIC_PAGES]
    return render(request, "sitemap.xml", {"pages": pages}, content_type="application/xml")
