"""What proxies say of the client: every form that they write, and the JSON error for the rest."""

import http.client
import json
import socket

import pytest
from django.http import HttpRequest, HttpResponse

from pixian_site.proxies import Client, ProxiesMiddleware, Unreadable, client_of
from tests.serving import serving

A, B, C = "203.0.113.7", "198.51.100.2", "192.0.2.9"


def told(count: int = 1, **headers: str) -> Client:
    names = {"xff": "HTTP_X_FORWARDED_FOR", "xfp": "HTTP_X_FORWARDED_PROTO", "f": "HTTP_FORWARDED"}
    return client_of({names[name]: value for name, value in headers.items()}, count)


@pytest.mark.parametrize(
    ("count", "proto", "scheme"),
    [
        (1, "https", "https"),
        (1, "HTTPS", "https"),
        (1, " https ", "https"),
        (1, '"https"', "https"),
        (1, "https, https", "https"),
        (1, "https,http", "http"),  # what the client sent, then what the proxy saw
        (2, "https, http", "https"),
        (2, "http, https, http", "https"),
        (2, "https", "https"),  # one entry for all proxies
        (3, "https, https", "https"),
        (1, ",https,", "https"),
        (1, "", ""),
        (1, " , ", ""),
    ],
)
def test_the_scheme(count, proto, scheme):
    assert told(count, xfp=proto).scheme == scheme


@pytest.mark.parametrize(
    ("count", "entries", "address"),
    [
        (1, A, A),
        (1, f"{B}, {A}", A),  # the client invented the first
        (2, f"{B}, {A}", B),
        (2, f"{C}, {B}, {A}", B),
        (2, A, A),
        (1, f"{A}:50123", A),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, f"::ffff:{A}", A),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "[fe80::1%25eth0]:443", "fe80::1"),
        (1, "unknown", ""),
        (1, "_hidden", ""),
        (1, f"nonsense, {A}", A),  # what a client invents before it is not looked at
    ],
)
def test_the_address(count, entries, address):
    assert told(count, xff=entries).address == address


@pytest.mark.parametrize(
    ("count", "header", "client"),
    [
        (1, f"for={A};proto=https;by={B}", Client(A, "https")),
        (1, f'For="{A}:4711"; Proto=HTTPS', Client(A, "https")),
        (1, 'for="[2001:db8:cafe::17]:4711"', Client("2001:db8:cafe::17", "")),
        (1, f"for={B};proto=http, for={A};proto=https", Client(A, "https")),
        (2, f"for={B};proto=https,for={A};proto=http", Client(B, "https")),
        (1, "for=unknown;proto=https", Client("", "https")),
        (1, 'for="_gazonk"', Client()),
        (1, f'for={A};host="a;b,c";proto=https', Client(A, "https")),
        (1, f"for={A};;proto=https;", Client(A, "https")),
        (1, f"for={B}, ,for={A}, ", Client(A, "")),
    ],
)
def test_forwarded(count, header, client):
    assert told(count, f=header) == client


def test_forwarded_is_not_looked_at_beside_the_others():
    """A client can send it through a proxy that writes the others."""
    assert told(xff=A, f=f"for={B};proto=https") == Client(A, "")
    assert told(xfp="http", f=f"for={B};proto=https") == Client("", "http")


@pytest.mark.parametrize(
    "headers",
    [
        {"xfp": "gopher"}, {"xfp": "https;"}, {"xfp": "https, \x7f"}, {"xff": "nonsense"},
        {"xff": "1.2.3.4.5"}, {"xff": "[::1"}, {"xff": f"{B}, 999.1.1.1"}, {"f": "for"},
        {"f": "for=1.2.3.4;proto=ftp"}, {"f": 'for="1.2.3.4'}, {"f": "for=a b"}, {"f": ";;;"},
        {"f": "for=hello"}, {"f": ",,"},
    ],
)  # fmt: skip
def test_what_no_proxy_writes_is_unreadable(headers):
    with pytest.raises(Unreadable):
        told(**headers)


def passed(meta: dict[str, str], count: int, settings) -> HttpRequest | None:
    settings.TRUSTED_PROXIES = count
    seen = []
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "127.0.0.1", **meta}
    ProxiesMiddleware(lambda request: seen.append(request) or HttpResponse())(request)
    return seen[0] if seen else None


def test_without_proxies_nothing_of_it_is_believed_or_left(settings):
    sent = {"HTTP_X_FORWARDED_FOR": A, "HTTP_X_FORWARDED_PROTO": "https", "HTTP_FORWARDED": ";;"}
    request = passed(sent | {"HTTP_X_FORWARDED_HOST": "evil"}, 0, settings)
    assert request.META == {"REMOTE_ADDR": "127.0.0.1"}


def test_a_visitor_by_ipv4_at_a_socket_for_both_is_counted_by_ipv4(settings):
    assert passed({"REMOTE_ADDR": f"::ffff:{A}"}, 0, settings).META["REMOTE_ADDR"] == A


# --- The server ---


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    environment = {
        "TRUSTED_PROXIES": "1",
        "REQUIRE_HTTPS": "true",
        "ALLOWED_HOSTS": " a.example , b.example ",
    }
    with serving(tmp_path_factory.mktemp("proxied"), **environment) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-Proto", "https, https"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "proto=https"),
    ],
)
@pytest.mark.parametrize("host", ["a.example", "b.example:8443"])
def test_pages_are_served_behind_proxies(server, name, value, host):
    status, _, _ = server.ask("GET", "/terms", headers={"Host": host, name: value})
    assert status == 200


@pytest.mark.parametrize("path", ["/api/v2/account", "/v1.0/account", "/"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Forwarded-Proto", "gopher"), ("X-Forwarded-For", "me"), ("Forwarded", "for=a b")],
)
def test_what_cannot_be_read_is_refused_in_json(server, path, name, value):
    status, headers, body = server.ask("GET", path, headers={"Host": "a.example", name: value})
    assert status == 400
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"]
    assert name in json.dumps(json.loads(body))


def test_head_has_the_headers_of_get_and_no_body(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    sent = {"Host": "a.example", "X-Forwarded-Proto": "https"}
    for path in ("/", "/pricing", "/robots.txt", "/static/css/account.css", "/docs", "/nothing"):
        answers = []
        for method in ("GET", "HEAD"):  # on one connection, where a body would be in the way
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            answers.append((answer.status, answer.headers["Content-Type"]))
            body = answer.read()
        assert answers[0] == answers[1], path
        assert body == b""
    connection.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::", "[::]"])
def test_every_address_is_of_both_families(host):
    from pixian_site.server import listen

    listening = listen(host, 0)
    try:
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, listening.effective_port), timeout=5).close()
    finally:
        listening.close()
