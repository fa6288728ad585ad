"""No sentence of the interface is without its translation."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from pixian_site import translations

ROOT = Path(__file__).resolve().parent.parent.parent
PO_FILES = translations.po_files(ROOT / "locale")
PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def forms(message: str | tuple[str, ...]) -> list[str]:
    return [message] if isinstance(message, str) else list(message)


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return translations.collect(ROOT)


def test_sentences_are_found_in_templates_and_code(collected: Catalog) -> None:
    assert collected.get("Keep every edge.") is not None
    assert collected.get(
        "The result would be too large or too thin. Choose another size or margin."
    )


@pytest.mark.parametrize("po", PO_FILES, ids=lambda po: po.parent.parent.name)
def test_every_sentence_is_translated(po: Path, collected: Catalog) -> None:
    translated = translations.load(po)
    missing = []
    for message in collected:
        known = translated.get(message.id, message.context) if message.id else message
        if known is None or (message.id and not all(forms(known.string))):
            missing.append(message.id)
    assert missing == [], "run `manage.py update_translations` and fill the gaps"


@pytest.mark.parametrize("po", PO_FILES, ids=lambda po: po.parent.parent.name)
def test_translations_keep_the_places(po: Path) -> None:
    for message in translations.load(po):
        wanted = {place for form in forms(message.id) for place in PLACE.findall(form)}
        for form in forms(message.string):
            assert set(PLACE.findall(form)) == wanted, message.id


@pytest.mark.parametrize("po", PO_FILES, ids=lambda po: po.parent.parent.name)
def test_list_of_sentences_is_up_to_date(po: Path, tmp_path: Path) -> None:
    copy = tmp_path / "ja" / "LC_MESSAGES" / "django.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(po.read_bytes())
    translations.update(ROOT, copy)
    assert copy.read_bytes() == po.read_bytes(), "run `manage.py update_translations`"


def test_only_changed_catalogues_are_compiled_again(tmp_path: Path) -> None:
    po = tmp_path / "ja" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text('msgid "Cancel"\nmsgstr "キャンセル"\n', encoding="utf-8")
    assert translations.compile_all(tmp_path) == [po.with_suffix(".mo")]
    assert translations.compile_all(tmp_path) == []
