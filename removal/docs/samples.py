"""The sample programs: complete, tested files, filled in with the reader's site and key."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

SITE, PUBLIC_ID, SECRET = "https://your.site", "API_ID", "API_SECRET"
ELSEWHERE = "https://example.com/photo.jpg"  # stands for any photo on the web
LANGUAGES = {
    "sh": "curl",
    "py": "Python",
    "mjs": "Node.js",
    "php": "PHP",
    "java": "Java",
    "cs": "C#",
    "rb": "Ruby",
    "go": "Go",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One program; `key` is its id on the page."""

    key: str
    language: str
    title: str
    text: str


def of_task(task: str, address: str, public_id: str) -> list[Sample]:
    """The programs for a task in all available languages."""
    return [
        Sample(f"{task}-{extension}", extension, title, filled_in(name, address, public_id))
        for extension, title in LANGUAGES.items()
        if (_folder() / (name := f"{task}.{extension}")).is_file()
    ]


def filled_in(name: str, address: str, public_id: str, secret: str = SECRET) -> str:
    text = _text(name).replace(SITE, address).replace(SECRET, secret)
    return text.replace(PUBLIC_ID, public_id)


@cache
def _text(name: str) -> str:
    return (_folder() / name).read_text(encoding="utf-8")


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "templates" / "docs" / "samples"
