"""No sentence of the interface is without its translation."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from pixian_site import translations

ROOT = Path(__file__).resolve().parent.parent.parent
PO_FILES = translations.po_files(ROOT / "locale")
STOCK = translations.po_files(ROOT / "locale" / "allauth")
KANA_OR_KANJI = r"[\u3040-\u30ff\u4e00-\u9fff（）「」、。]"
HALF_WIDTH_COLON = re.compile(rf"{KANA_OR_KANJI}\s*:|:\s*(<a [^>]*>)?{KANA_OR_KANJI}")
MARK = rf"[()]|{KANA_OR_KANJI}\?"
TITLE_CASE = re.compile(r"[a-z] (?!API|QR|IP)[A-Z][a-z]")
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


@pytest.mark.parametrize("po", [ROOT / "locale/ja/LC_MESSAGES/django.po", STOCK[1]])
def test_japanese_colons_are_full_width(po: Path) -> None:
    sentences = [form for it in translations.load(po) if it.id for form in forms(it.string)]
    plain = [re.sub(r"\bdata: ", "", sentence) for sentence in sentences]  # the URL's scheme
    assert [sentence for sentence in plain if HALF_WIDTH_COLON.search(sentence)] == []


@pytest.mark.parametrize("po", [ROOT / "locale/ja/LC_MESSAGES/django.po", STOCK[1]])
def test_japanese_brackets_and_question_marks_are_full_width(po: Path) -> None:
    """But for code, places, and sentences that hold no Japanese."""
    sentences = [form for it in translations.load(po) if it.id for form in forms(it.string)]
    plain = [re.sub(rf"{PLACE.pattern}|<code.*?</code>", "", sentence) for sentence in sentences]
    mixed = [it for it in plain if re.search(KANA_OR_KANJI, it) and re.search(MARK, it)]
    assert mixed == []


def test_no_template_puts_a_colon_of_its_own_behind_a_word() -> None:
    """Each language has its own colon, which belongs into the sentence."""
    found = []
    for path in (ROOT / "templates").rglob("*.html"):
        bare = re.sub(
            r"{% blocktrans.*?{% endblocktrans(late)? %}", "", path.read_text(), flags=re.S
        )
        lines = [it for it in bare.splitlines() if 'lang="en"' not in it]
        found += [(path.name, it) for it in lines if re.search(r"[%}]}: ", it)]
    assert found == []


@pytest.fixture(scope="module")
def stock() -> set[str]:
    """What django-allauth says in English."""
    package = importlib.util.find_spec("allauth")
    assert package
    assert package.origin
    folders = ("account", "mfa", "socialaccount", "usersessions")
    found = translations.collect(Path(package.origin).parent, folders)
    return {form for it in found if it.id for form in forms(it.id)}


@pytest.mark.parametrize("po", STOCK, ids=lambda po: po.parent.parent.name)
def test_sentences_of_allauth_are_translated_that_there_are(po: Path, stock: set[str]) -> None:
    messages = [it for it in translations.load(po) if it.id]
    assert [it.id for it in messages if it.id not in stock] == []
    for it in messages:
        assert set(PLACE.findall(it.string)) <= set(PLACE.findall(it.id)), it.id


def test_no_sentence_of_allauth_is_written_in_title_case(stock: set[str]) -> None:
    """As ours are; those of parts are left that are switched off or that our templates replace."""
    ours = translations.load(STOCK[0])
    off = "Key|Passkey|Phone|Code|Trust|Third-Party|Device|Add|Primary|JavaScript"
    replaced = "Re-send|Cancel Change|Change Email|Started At|IP Address|Sign Out Other|Activate A"
    unused = re.compile(f"{off}|{replaced}")
    left = {it for it in stock if TITLE_CASE.search(it) and ours.get(it) is None}
    assert {it for it in left if not unused.search(it)} == set()


def test_only_changed_catalogues_are_compiled_again(tmp_path: Path) -> None:
    po = tmp_path / "ja" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text('msgid "Cancel"\nmsgstr "キャンセル"\n', encoding="utf-8")
    assert translations.compile_all(tmp_path) == [po.with_suffix(".mo")]
    assert translations.compile_all(tmp_path) == []


FIRST_START = """
import sys
from pathlib import Path
from django.conf import settings
settings.LOCALE_PATHS = [Path(sys.argv[1])]
import django
django.setup()  # reads the English catalogue, of which there is none yet
from django.utils.translation import gettext
from pixian_site import translations
translations.compile_all(settings.LOCALE_PATHS[0])
print(gettext("Password Reset"))
"""


def test_the_first_start_shows_what_it_has_compiled(tmp_path: Path) -> None:
    po = STOCK[0]
    copy = tmp_path / po.relative_to(po.parent.parent.parent)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(po.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", FIRST_START, str(tmp_path)],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": "sqlite://:memory:"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == translations.load(po).get("Password Reset").string
