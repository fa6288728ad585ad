"""Text travels compressed where the client takes it so; pictures never are."""

import gzip
import json

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from pixian_site.compression import MAX_BYTES, CompressText

TAKES_GZIP = {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"}


def test_pages_are_compressed(db):
    plain = Client().get("/")
    packed = Client().get("/", **TAKES_GZIP)
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) < len(plain.content) / 2
    assert b"<main" in gzip.decompress(packed.content)


def test_json_is_compressed(db):
    packed = Client().get("/api/schema", **TAKES_GZIP)
    assert packed["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content))["openapi"]
    assert packed["Vary"] == "Accept-Encoding"


def test_lengths_of_equal_pages_differ():
    """Or a page's length would tell what is in it."""
    lengths = {len(packed(HttpResponse(b"secret " * 200)).content) for _ in range(20)}
    assert len(lengths) > 1


def packed(response):
    request = RequestFactory().get("/", **TAKES_GZIP)
    return CompressText(lambda _: response)(request)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/webp", "application/zip"])
def test_pictures_are_left_alone(kind):
    answer = packed(HttpResponse(b"\0" * 5000, content_type=kind))
    assert "Content-Encoding" not in answer
    assert "Vary" not in answer


def test_a_large_picture_in_json_is_left_alone():
    answer = packed(HttpResponse(b"A" * (MAX_BYTES + 1), content_type="application/json"))
    assert "Content-Encoding" not in answer
