"""Decodes names in a ZIP, whose older writers do not record the code page.

Windows and Info-ZIP use the code page of the sender's machine. So all names of a ZIP are examined
together, and the first code page wins in which they are plausible text of its language. A wrong
guess only affects names, never pictures.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field: version, CRC of the plain name, name in UTF-8
_MOST_JUDGED = 10_000  # bytes

_KANA = re.compile("[ぁ-ゖァ-ヺ]")
_IDEOGRAPH = re.compile("[一-鿿]")
_TWO_IDEOGRAPHS = re.compile("[一-鿿]{2}")
_HALF_WIDTH = re.compile("[ｦ-ﾟ]")
_JAPANESE = re.compile(
    "[ぁ-ゖァ-ヺー々〆・一-龠０-９Ａ-Ｚａ-ｚ（）「」『』【】、。〜～…！？＿＋－＆]"
)
_CYRILLIC = re.compile("[А-яЁё№]+")
_HANGUL = re.compile("[가-힣]{5,}")


def names_of(entries: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The entries' names in order, with / between folders."""
    entries = list(entries)
    unmarked = [_plain(entry) for entry in entries if not entry.flag_bits & _UTF8_FLAG]
    code_page = code_page_of(unmarked)
    return [_name(entry, code_page).replace("\\", "/") for entry in entries]


def code_page_of(names: list[bytes]) -> str:
    """The most probable code page of these names."""
    # A line break is part of no character in any of them, so it separates the names safely.
    foreign = b"\n".join(name for name in dict.fromkeys(names) if not name.isascii())
    if len(foreign) > _MOST_JUDGED:
        foreign = foreign[:_MOST_JUDGED].rpartition(b"\n")[0]
    for code_page, is_plausible in _CODE_PAGES.items():
        try:
            text = foreign.decode(code_page)
        except UnicodeDecodeError:
            continue
        if is_plausible(_foreign_letters(text)):
            return code_page
    return "cp437"  # the default of the ZIP format


def _plain(entry: zipfile.ZipInfo) -> bytes:
    """Undo Python's decoding of unmarked names as CP437, in which every byte is a character."""
    return entry.orig_filename.partition("\0")[0].encode("cp437")


def _name(entry: zipfile.ZipInfo, code_page: str) -> str:
    if entry.flag_bits & _UTF8_FLAG:
        return entry.filename
    return _unicode_path(entry) or _plain(entry).decode(code_page, "replace")


def _unicode_path(entry: zipfile.ZipInfo) -> str:
    """The UTF-8 name of Info-ZIP's extra field if its CRC matches the plain name; otherwise ''."""
    extra, at = entry.extra, 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        if kind == _UNICODE_PATH and field[:1] == b"\1" and len(field) > 5:
            same = struct.unpack_from("<I", field, 1)[0] == zlib.crc32(_plain(entry))
            return field[5:].decode("utf-8", "replace") if same else ""
        at += 4 + length
    return ""


def _foreign_letters(text: str) -> str:
    """The non-ASCII characters, with separate runs kept separate."""
    return re.sub(r"[\x00-\x7f]+", "\n", text).strip("\n")


def _is_japanese(text: str) -> bool:
    """In CP932, an umlaut before a letter reads as a kanji, so a single kanji is not enough."""
    letters = text.replace("\n", "")
    full_width = len(_JAPANESE.findall(letters))
    half_width = len(_HALF_WIDTH.findall(letters))
    if full_width + half_width < len(letters) or full_width < half_width:
        return False
    kana = len(_KANA.findall(letters))
    is_word = kana > 0 or _TWO_IDEOGRAPHS.search(text) is not None
    return is_word and _are_common(letters, "cp932", range(0x88, 0x98), kana)


def _is_japanese_of_unix(text: str) -> bool:
    letters = text.replace("\n", "")
    return len(_JAPANESE.findall(letters)) == len(letters) and _KANA.search(text) is not None


def _is_chinese(text: str) -> bool:
    return _is_all_chinese(text) and _are_common(text, "gb2312", range(0xB0, 0xD8))


def _is_traditional_chinese(text: str) -> bool:
    return _is_all_chinese(text) and _are_common(text, "big5", range(0xA4, 0xC7))


def _is_all_chinese(text: str) -> bool:
    whole = _IDEOGRAPH.sub("", text).strip("\n") == ""
    return whole and _TWO_IDEOGRAPHS.search(text) is not None


def _are_common(text: str, code_page: str, first_bytes: range, others: int = 0) -> bool:
    """Whether three of four characters are common ones: code pages group common ideographs, which
    are recognised by their first byte. `others` counts common characters that are no ideographs."""
    codes = [letter.encode(code_page, "replace") for letter in _IDEOGRAPH.findall(text)]
    common = others + sum(code[0] in first_bytes for code in codes)
    return 4 * common >= 3 * (others + len(codes))


def _is_cyrillic(text: str) -> bool:
    words = text.split()
    return all(map(_CYRILLIC.fullmatch, words)) and max(map(len, words), default=0) > 2


def _is_western(text: str) -> bool:
    return all(letter.isalpha() for letter in text.replace("\n", ""))


# In this order. Text is hardly ever valid UTF-8 by chance; Unix writes it, and macOS unmarked.
_CODE_PAGES: dict[str, Callable[[str], bool]] = {
    "utf-8": lambda text: True,
    "cp932": _is_japanese,
    "euc_jp": _is_japanese_of_unix,
    "cp949": lambda text: bool(_HANGUL.fullmatch(text.replace("\n", ""))),
    "gbk": _is_chinese,
    "cp950": _is_traditional_chinese,
    "cp866": _is_cyrillic,
    "cp850": _is_western,
}
