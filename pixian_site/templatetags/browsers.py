"""A browser by its name instead of its User-Agent header."""

from django import template

register = template.Library()
# What tells them apart, the first that is found: each names those below it, too.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox",
    "FxiOS/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "CrOS": "ChromeOS",
    "Windows": "Windows", "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip
LONGEST = 80  # of a header that names none: anybody may send anything


@register.filter
def browser(user_agent: str) -> str:
    """`Firefox · Windows`; the header itself where it is of no browser that we know."""
    found = (_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent))
    return " · ".join(filter(None, found)) if found[0] else user_agent[:LONGEST]


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((name for mark, name in names.items() if mark in user_agent), "")
