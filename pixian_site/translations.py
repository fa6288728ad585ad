"""Collects the interface's sentences into .po files and compiles them to .mo, with Babel.

Replaces `makemessages` and `compilemessages`, which need GNU gettext's programs.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.reloader import translation_file_changed
from django.utils.translation.template import templatize

from removal.files import replacing

KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
}
PYTHON_FOLDERS = ("accounts", "billing", "pixian_site", "removal")
# Babel's own header holds the time of the run, which would change the file at each update.
HEADER = """\
# The interface's sentences; `manage.py update_translations` keeps the list.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def po_files(locale: Path) -> list[Path]:
    return sorted(locale.glob("*/LC_MESSAGES/django.po"))


def load(po: Path) -> Catalog:
    with po.open("rb") as file:
        return read_po(file, locale=po.parent.parent.name)


def compile_all(locale: Path) -> list[Path]:
    """Write a .mo beside each .po that is newer; returns those written.

    Django keeps a catalogue as it first read it, and its own models read one as they are imported:
    it is made to read anew, or the first start would show none of what was compiled here.
    """
    written = []
    for po in po_files(locale):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        _replace(mo, load(po))
        written.append(mo)
    translation_file_changed(None, Path("django.mo"))
    return written


def _replace(mo: Path, catalog: Catalog) -> None:
    """Replace the file atomically: several processes may write it while others read it."""
    with replacing(mo, 0o644) as file:
        write_mo(file, catalog)


def collect(root: Path, folders: Sequence[str] = PYTHON_FOLDERS) -> Catalog:
    """Every sentence marked for translation in templates and in these folders' Python code."""
    catalog = Catalog(fuzzy=False)
    for source in _sources(root, folders):
        for _line, message, _comments, context in extract(
            "python", io.BytesIO(source.encode()), keywords=KEYWORDS
        ):
            catalog.add(message, context=context)
    return catalog


def update(root: Path, po: Path) -> None:
    """Update a .po file from the sources, keeping the translations of unchanged sentences."""
    catalog = load(po)
    catalog.update(collect(root), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    header = HEADER.format(language=catalog.locale_identifier, plurals=catalog.plural_forms)
    with po.open("wb") as file:
        file.write(header.encode())
        write_po(file, catalog, width=100, sort_output=True, omit_header=True)


def _sources(root: Path, folders: Sequence[str]) -> Iterator[str]:
    """Python text: modules unchanged, templates as Django converts them to gettext calls."""
    for path in sorted((root / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            calls = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            yield "\n".join(line.lstrip() for line in calls.splitlines())
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.read_text(encoding="utf-8")
