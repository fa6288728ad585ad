"""Bodies that are too long, packed or put together wrongly: the answer names what to change."""

import base64
import gzip
import json
from urllib.parse import urlencode

import pytest

from removal.api.reading import MAX_BASE64
from tests import pictures

from .conftest import ENDPOINT
from .test_errors import error_of
from .test_removebg import ADDRESS, refused, token_of

pytestmark = pytest.mark.django_db
MULTIPART = "multipart/form-data; boundary=edge"
FOUR_MIB = "4,194,304"


def part(name: str, content: bytes, *headers: str) -> bytes:
    """Without a file name."""
    head = [f'Content-Disposition: form-data; name="{name}"', *headers]
    return b"--edge\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + content + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--edge--\r\n"


def large_picture(least: int) -> bytes:
    """A picture that is cut out quickly although its file is long."""
    return pictures.portrait() + b"\0" * least


# --- Which limit was met ---


def test_a_json_body_is_told_of_its_own_limit(alice):
    body = json.dumps({"image.base64": "A" * 6_500_000})
    message = error_of(alice.send(body, "application/json"), 413, 1012)
    assert FOUR_MIB in message
    assert f"{len(body):,}" in message
    assert "31,457,280" not in message


def test_a_multipart_body_is_told_of_its_own_limit(alice):
    body = multipart(part("image", b"\0" * 33_000_000))
    message = error_of(alice.send(body, MULTIPART), 413, 1012)
    assert f"{len(body):,}" in message
    assert "32,505,856" in message


def test_base64_in_a_part_is_told_of_the_limit_of_base64(alice):
    body = multipart(part("image.base64", b"A" * 5_000_000))
    message = error_of(alice.send(body, MULTIPART), 413, 1122)
    assert "5,000,000" in message
    assert f"{MAX_BASE64:,}" in message


def test_a_text_that_nobody_asked_for_is_named(alice):
    body = multipart(part("note", b"A" * 1000), part("essay", b"A" * 5_000_000))
    message = error_of(alice.send(body, MULTIPART), 413, 1012)
    assert "'essay' has 5,000,000" in message
    assert FOUR_MIB in message


def test_base64_in_a_file_is_told_of_its_real_length(alice):
    head = (
        b'--edge\r\nContent-Disposition: form-data; name="image.base64"; filename="a.txt"\r\n\r\n'
    )
    body = head + b"A" * 2_000_000 + b"\r\n--edge--\r\n"
    assert "2,000,000 characters" in error_of(alice.send(body, MULTIPART), 413, 1122)


# --- How the body is put together ---


@pytest.mark.parametrize("size", [9, 10_000, 5_000_000, 29_000_000])
def test_a_picture_without_a_file_name_is_1016_whatever_its_size(alice, size):
    body = multipart(part("image", pictures.portrait() + b"\xff" * size))
    assert "file part" in error_of(alice.send(body, MULTIPART), 400, 1016)


@pytest.mark.parametrize("size", [9, 5_000_000])
def test_removebgs_clients_are_told_under_their_names(alice, size):
    body = multipart(part("image_file", b"\xff" * size))
    told = refused(send(alice, body, MULTIPART), 400, "invalid_file_type")
    assert "'image_file' was sent as text" in told["title"]


@pytest.mark.parametrize("size", [9, 5_000_000])
def test_a_background_that_is_no_file_is_not_left_out_in_silence(alice, portrait, size):
    file = part("image_file_b64", base64.b64encode(portrait))
    body = multipart(file, part("bg_image_file", b"\xff" * size))
    told = refused(send(alice, body, MULTIPART), 400, "invalid_file_type")
    assert "'bg_image_file' was sent as text" in told["title"]


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "deflate, gzip"])
def test_a_compressed_body_is_415_and_names_its_header(alice, coding):
    body = gzip.compress(json.dumps({"image.url": "https://example.com/a.jpg"}).encode())
    response = alice.client.post(
        ENDPOINT, body, content_type="application/json", HTTP_CONTENT_ENCODING=coding,
        HTTP_AUTHORIZATION=alice.authorization,
    )  # fmt: skip
    message = error_of(response, 415, 1123)
    assert f"Content-Encoding: {coding.lower()}" in message


def test_a_body_that_says_it_is_not_compressed_is_read(alice, portrait):
    body = json.dumps({"image.base64": base64.b64encode(portrait).decode(), "test": True})
    response = alice.client.post(
        ENDPOINT, body, content_type="application/json", HTTP_CONTENT_ENCODING="identity",
        HTTP_AUTHORIZATION=alice.authorization,
    )  # fmt: skip
    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=é"],
)
def test_without_a_boundary_the_header_to_change_is_named(alice, portrait, content_type):
    message = error_of(alice.send(multipart(part("image", portrait)), content_type), 400, 1120)
    assert "boundary" in message
    assert "Let your HTTP library write this header" in message


def test_parts_in_base64_are_decoded(alice, portrait):
    file = (
        b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(portrait) + b"\r\n"
    )
    text = part("test", base64.b64encode(b"true"), "Content-Transfer-Encoding: base64")
    response = alice.send(multipart(text, file), MULTIPART)
    assert response.status_code == 200, response.content
    assert response["X-Credits-Charged"] == "0"


def test_broken_base64_of_a_part_is_told(alice):
    file = (
        b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nabcde\r\n"
    )
    assert "Base64" in error_of(alice.send(multipart(file), MULTIPART), 400, 1120)


def test_fields_and_files_are_counted(alice):
    many = multipart(*(part(f"field{number}", b"1") for number in range(101)))
    error_of(alice.send(many, MULTIPART), 400, 1120)
    file = b'--edge\r\nContent-Disposition: form-data; name="x"; filename="a"\r\n\r\n1\r\n'
    error_of(alice.send(multipart(*[file] * 101), MULTIPART), 400, 1120)


# --- remove.bg's clients send Base64 as long as a file ---


def send(caller, body, content_type):
    return caller.client.post(
        ADDRESS, body, content_type=content_type, HTTP_X_API_KEY=token_of(caller)
    )


@pytest.mark.parametrize("name", ["image_file_b64", "image_base64"])
@pytest.mark.parametrize("form", ["json", "urlencoded", "multipart"])
def test_base64_may_be_as_long_as_a_file(alice, form, name):
    text = base64.encodebytes(large_picture(12_000_000)).decode()
    bodies = {
        "json": (json.dumps({name: text}), "application/json"),
        "urlencoded": (urlencode({name: text}), "application/x-www-form-urlencoded"),
        "multipart": (multipart(part(name, text.encode())), MULTIPART),
    }
    response = send(alice, *bodies[form])
    assert response.status_code == 200, response.content[:300]
    assert response["X-Width"] == "200"


def test_base64_of_more_bytes_than_a_file_may_have_is_refused(alice, settings):
    settings.REMOVAL_MAX_UPLOAD_BYTES = 1_000_000
    text = base64.b64encode(large_picture(1_000_000)).decode()
    told = refused(
        send(alice, json.dumps({"image_file_b64": text}), "application/json"),
        400, "file_too_large",
    )  # fmt: skip
    assert "1,000,000" in told["title"] + told["detail"]


def test_a_longer_body_is_told_of_its_own_limit(alice, settings):
    settings.REMOVAL_MAX_UPLOAD_BYTES = 1_000_000
    body = json.dumps({"image_file_b64": "A" * 2_000_000})
    told = refused(send(alice, body, "application/json"), 400, "file_too_large")
    assert "2,000,000" in told["title"] + told["detail"]


def test_a_file_may_have_exactly_as_many_bytes_as_the_limit_says(alice, settings):
    photo = pictures.portrait()
    settings.REMOVAL_MAX_UPLOAD_BYTES = len(photo)
    assert alice.post(image=photo, test="true").status_code == 200
    settings.REMOVAL_MAX_UPLOAD_BYTES -= 1
    error_of(alice.post(image=photo, test="true"), 413, 1012)


@pytest.mark.parametrize("content_type", ["Multipart/Form-Data; BOUNDARY=edge", MULTIPART])
@pytest.mark.parametrize("name", ["a.jpg", "../", "photos/"])
def test_the_type_may_be_in_capitals_and_a_file_called_anything(
    alice, portrait, content_type, name
):
    head = f'--edge\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
    body = head.encode() + portrait + b"\r\n" + multipart(part("test", b"true"))
    assert alice.send(body, content_type).status_code == 200
