"""image.url through the endpoint: a picture from a real server, and why others are refused."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from removal.outbound.addresses import parse_allowed
from tests import pictures
from tests.removal import hostile_server
from tests.removal.hostile_server import HostileServer

from .test_errors import error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def pictures_server(monkeypatch, portrait) -> Iterator[HostileServer]:
    """A server on this machine that has a portrait at /portrait."""
    content = hostile_server.answer(portrait, Content_Type="image/jpeg")
    monkeypatch.setitem(hostile_server.BEHAVIOURS, "/portrait", lambda argument: iter([content]))
    with hostile_server.serving() as server:
        yield server


@pytest.fixture
def allowed(settings) -> None:
    """The operator lets this machine be reached."""
    settings.IMAGE_URL_ALLOW = parse_allowed(["127.0.0.1/32"])


def test_a_picture_is_fetched_cut_out_and_charged(alice, pictures_server, allowed):
    response = alice.post(image__url=pictures_server.url("/portrait"))
    assert response.status_code == 200
    assert response["X-Credits-Charged"] == "0.052"
    assert pictures.mode_and_size(response.content) == ("RGBA", (200, 240))


def test_private_addresses_are_1151_and_never_reached(alice, pictures_server):
    error_of(alice.post(image__url=pictures_server.url("/portrait")), 400, 1151)
    assert pictures_server.connections == 0
    assert alice.credits == Decimal(10)


@pytest.mark.parametrize(
    ("path", "code"),
    [("/not-http", 1150), ("/status?503", 1153), ("/typed?text/html", 1153), ("/picture", 1006)],
)
def test_what_the_server_says_wrong_has_its_code(alice, pictures_server, allowed, path, code):
    response = alice.post(image__url=pictures_server.url(path))
    error_of(response, 400, code)
    assert alice.credits == Decimal(10)


def test_a_server_that_drips_is_1152(alice, pictures_server, allowed, settings):
    settings.IMAGE_URL_SECONDS = 0.3
    error_of(alice.post(image__url=pictures_server.url("/slow-body")), 400, 1152)


def test_too_many_bytes_behind_a_url_are_1012(alice, pictures_server, allowed):
    error_of(alice.post(image__url=pictures_server.url("/huge-length")), 413, 1012)


def test_a_malformed_url_is_1150(alice):
    error_of(alice.post(image__url="https://[broken/photo.jpg"), 400, 1150)


def test_without_credits_nothing_is_fetched(bob, pictures_server, allowed):
    error_of(bob.post(image__url=pictures_server.url("/portrait")), 402, 1008)
    assert pictures_server.connections == 0
