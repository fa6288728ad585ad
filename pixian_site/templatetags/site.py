"""Template tags about the site that also work without a request (errors 400 and 500)."""

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from pixian_site.web import crawlers, languages

register = template.Library()


@register.simple_tag
def site_name() -> str:
    return str(settings.SITE_NAME)


@register.simple_tag(takes_context=True)
def alternates(context: template.Context) -> crawlers.Alternates | None:
    """The page's URLs in all languages; None on pages that have only one."""
    request: HttpRequest | None = context.get("request")
    match = getattr(request, "resolver_match", None)
    if request is None or match is None or match.url_name not in crawlers.PUBLIC_PAGES:
        return None
    return crawlers.alternates_of(request, request.path)


@register.simple_tag
def here_in(request: HttpRequest, language: str) -> str:
    """The current page's URL, with its query, in another language."""
    return languages.address(request.get_full_path(), language)


@register.simple_tag
def without_language(name: str) -> str:
    """The URL `name` without a language prefix."""
    return "/" + reverse(name).removeprefix(get_script_prefix())
