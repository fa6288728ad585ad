"""HTTP Basic as real clients send it, and as hostile ones do."""

import base64

import pytest
from rest_framework.test import APIRequestFactory

from accounts import services
from accounts.authentication import ApiKeyAuthentication
from accounts.errors import AuthenticationError, UnknownKey, WrongSecret


@pytest.fixture
def issued(alice):
    return services.issue_api_key(alice)


def authenticate(header):
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return ApiKeyAuthentication().authenticate(APIRequestFactory().post("/", **headers))


def encode(pair):
    return base64.b64encode(pair if isinstance(pair, bytes) else pair.encode()).decode()


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_id_and_secret_give_user_and_key(alice, issued, scheme):
    key, secret = issued
    assert authenticate(f"{scheme} {encode(f'{key.public_id}:{secret}')}") == (alice, key)


def test_spaces_around_and_missing_padding_are_tolerated(issued):
    key, secret = issued
    encoded = encode(f"{key.public_id}:{secret}").rstrip("=")
    assert authenticate(f"  Basic   {encoded}  ")[1] == key


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + encode("no colon"),
        "Basic " + encode(b"\xff\xfe:\xff"),
        "Basic " + encode(":"),
        "Basic " + encode("\x00:\x00"),
        "Bearer abc",
        "Digest username=x",
        "Basic \u00e9",
        "Basic " + "A" * 100_000,
    ],
)
def test_credentials_that_cannot_be_read_are_1001(issued, header):
    with pytest.raises(UnknownKey) as refused:
        authenticate(header)
    assert refused.value.code == 1001
    assert refused.value.message.endswith(".")


def test_missing_credentials_are_told_what_to_send(db):
    with pytest.raises(UnknownKey, match="HTTP Basic"):
        authenticate(None)


def test_a_secret_may_hold_colons(issued):
    with pytest.raises(WrongSecret):
        authenticate("Basic " + encode(f"{issued[0].public_id}:a:b"))


def test_the_challenge_is_basic(issued):
    assert ApiKeyAuthentication().authenticate_header(None).startswith("Basic ")


def test_every_reason_has_its_own_code_and_a_sentence():
    reasons = AuthenticationError.__subclasses__()
    assert len({reason.code for reason in reasons}) == len(reasons) == 4
    assert all(reason.message.endswith(".") for reason in reasons)
