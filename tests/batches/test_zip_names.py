"""Names of a ZIP that does not say in which code page they are written."""

import io
import struct
import zipfile
import zlib

import pytest

from removal.batches import intake, zip_names

NAMES = {
    "utf-8": ["Grüße.jpg", "写真.jpg", "Фото.jpg"],
    "cp932": [
        "猫猫.jpg", "写真.jpg", "カメラ.png", "ソニー表示.jpg", "商品_赤.jpg", "髙橋さん.png",
        "ﾃｽﾄ写真テスト.jpg", "2024年夏.jpg",
    ],
    "euc_jp": ["猫の写真.jpg", "カメラ.png"],
    "gbk": ["照片.jpg", "产品图片.png", "微信图片.jpg", "商品红色.jpg"],
    "cp949": ["고양이사진.jpg", "제품사진과설명.png"],
    "cp950": ["產品圖片.jpg", "貓咪的照片.png"],
    "cp866": ["Фото.jpg", "Новый снимок.png"],
    "cp850": [
        "schön.jpg", "Müller.png", "été.jpg", "café.jpg", "Größe.jpg", "höhö.jpg", "niño.jpg",
        "ação.jpg", "Ångström.png", "déjà vu.jpg",
    ],
}  # fmt: skip
EACH = [(code_page, name) for code_page, names in NAMES.items() for name in names]


def zip_with(names: list[bytes], extras: dict[int, bytes] | None = None) -> bytes:
    """A ZIP with these very bytes as names and no word on what they mean."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index, name in enumerate(names):
            entry = zipfile.ZipInfo(stand_in(index, name))
            entry.extra = (extras or {}).get(index, b"")
            archive.writestr(entry, str(index))
    content = buffer.getvalue()
    for index, name in enumerate(names):
        content = content.replace(stand_in(index, name).encode(), name)
    return content


def stand_in(index: int, name: bytes) -> str:
    return f"@{index}".ljust(len(name), "@")


def read(content: bytes) -> list[str]:
    return [upload.name for upload in intake.pictures_of_zip(content, 99)]


@pytest.mark.parametrize(("code_page", "name"), EACH)
def test_a_single_name_is_read_as_it_was_written(code_page, name):
    assert read(zip_with([name.encode(code_page)])) == [name]


@pytest.mark.parametrize("code_page", NAMES)
def test_all_names_of_a_zip_are_read_in_one_code_page(code_page):
    names = ["plain.jpg", *NAMES[code_page]]

    assert read(zip_with([name.encode(code_page) for name in names])) == names


def test_a_name_that_is_marked_as_utf_8_is_left_alone():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("写真.jpg", b"x")

    assert read(buffer.getvalue()) == ["写真.jpg"]


def unicode_path(plain: bytes, name: str) -> bytes:
    body = struct.pack("<BI", 1, zlib.crc32(plain)) + name.encode()
    return struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(body)) + body


def test_info_zip_s_name_beside_the_plain_one_counts():
    assert read(zip_with([b"caf_.jpg"], {0: unicode_path(b"caf_.jpg", "café.jpg")})) == ["café.jpg"]


def test_info_zip_s_name_of_another_plain_one_does_not_count():
    """Somebody has renamed the entry since."""
    assert read(zip_with([b"new.jpg"], {0: unicode_path(b"old.jpg", "old.jpg")})) == ["new.jpg"]


def test_folders_of_either_slash_are_left_out_of_the_name():
    names = ["画像\\写真.jpg".encode("cp932"), "画像/表.jpg".encode("cp932")]

    assert read(zip_with(names)) == ["写真.jpg", "表.jpg"]


def test_what_is_in_no_code_page_still_has_a_name():
    assert read(zip_with([b"\xff\xfe\xfd.jpg"])) == [b"\xff\xfe\xfd.jpg".decode("cp437")]


def test_names_without_end_are_judged_by_their_beginning():
    names = [f"{index}写真.jpg".encode("cp932") for index in range(9000)]

    assert zip_names.code_page_of([*names, b"\xff.jpg"]) == "cp932"
