"""A page's URL in each language: `/pricing` in English, `/ja/pricing` in Japanese."""

import re

from django.conf import settings

from removal.api.paths import is_api_path


def codes() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]


def split(path: str) -> tuple[str | None, str]:
    """Split a path into its language prefix (None if missing) and the rest."""
    others = "|".join(code for code in codes() if code != settings.LANGUAGE_CODE)
    match = re.fullmatch(rf"/({others})(?:/(.*)|(\?.*)?)", path, re.DOTALL)
    if match is None or is_api_path(rest := "/" + (match[2] or match[3] or "")):
        return None, path
    return match[1], rest


def address(path: str, language: str) -> str:
    """The same page's URL in `language`; the query is kept."""
    _, plain = split(path)
    return plain if language == settings.LANGUAGE_CODE else f"/{language}{plain}"
