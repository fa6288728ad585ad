"""What mails say, and what happens where the mail server fails."""

import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Account

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


class Refusing(socketserver.StreamRequestHandler):
    """Speaks SMTP as far as the recipient, whom it answers with the server's `answer`."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            answer = self.server.answer if verb == b"RCPT" else b"250 go on"  # type: ignore[attr-defined]
            self.wfile.write(answer + b"\r\n")
            if verb == b"QUIT":
                return


@pytest.fixture
def mail_server(settings) -> Iterator[socketserver.ThreadingTCPServer]:
    """The server that the site's mail goes to."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        server.daemon_threads = True
        server.answer = b"550 nobody of this name"  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server
        server.shutdown()


@pytest.fixture
def no_mail_server(mail_server, settings):
    """Nothing listens any more."""
    mail_server.shutdown()
    mail_server.server_close()


@pytest.fixture(autouse=True)
def quick(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def bob(db) -> User:
    user = User.objects.create_user("bob@example.com", PASSWORD)
    user.confirm_email()
    return user


def sign_up(client: Client, email: str = "new@example.com"):
    form = {"email": email, "password1": PASSWORD, "terms": "on"}
    return client.post(reverse("account_signup"), form)


def test_a_failing_server_leaves_no_account_and_is_said_plainly(client, bob, no_mail_server):
    accounts = Account.objects.count()
    answer = sign_up(client)
    assert answer.status_code == 503
    assert "Mail could not be sent just now" in answer.content.decode()
    assert list(User.objects.all()) == [bob]
    assert not EmailAddress.objects.exclude(user=bob).exists()
    assert Account.objects.count() == accounts


def test_it_tells_nobody_who_has_an_account(client, bob, no_mail_server):
    pages = {re.sub(r"[A-Za-z0-9]{64}", "", sign_up(client, email).content.decode())
             for email in ("bob@example.com", "new@example.com")}  # fmt: skip
    assert len(pages) == 1


def test_once_it_works_again_the_same_address_signs_up(client, no_mail_server, settings):
    """The failed try does not count as one of the few mails an address gets."""
    sign_up(client)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert sign_up(client).status_code == 302
    assert [message.to for message in mail.outbox] == [["new@example.com"]]


def test_a_refused_address_is_said_to_be_wrong(client, mail_server):
    answer = sign_up(client)
    assert answer.status_code == 400
    assert "Check its spelling" in answer.content.decode()
    assert not User.objects.exists()
    mail_server.answer = b"450 later"
    assert sign_up(client).status_code == 503


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com"])
def test_a_reset_that_cannot_be_mailed_says_so(client, bob, no_mail_server, email):
    answer = client.post(reverse("account_reset_password"), {"email": email})
    assert answer.status_code == 503
    assert reverse("account_reset_password") in answer.content.decode()


def test_an_unconfirmed_log_in_and_a_new_address_say_so_too(client, bob, no_mail_server):
    User.objects.create_user("carol@example.com", PASSWORD)
    form = {"login": "carol@example.com", "password": PASSWORD}
    assert client.post(reverse("account_login"), form).status_code == 503
    client.force_login(bob)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = {"email": "robert@example.com", "action_add": ""}
    assert client.post(reverse("account_email"), form).status_code == 503
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"


def test_what_only_tells_of_something_does_not_stop_it(client, bob, no_mail_server):
    client.force_login(bob)
    form = {"oldpassword": PASSWORD, "password1": "another horse", "password2": "another horse"}
    assert client.post(reverse("account_change_password"), form).status_code == 302
    bob.refresh_from_db()
    assert bob.check_password("another horse")


def test_the_sentences_are_japanese_for_who_reads_japanese(client, no_mail_server):
    form = {"email": "new@example.com", "password1": PASSWORD, "terms": "on"}
    page = client.post(f"/ja{reverse('account_signup')}", form).content.decode()
    assert "メール" in page
    assert "Mail could" not in page


# --- What mails say ---


def every_mail(client: Client, bob: User) -> list[str]:
    own = {"HTTP_HOST": "127.0.0.1:8053", "wsgi.url_scheme": "http"}
    for email in ("new@example.com", "bob@example.com"):
        form = {"email": email, "password1": PASSWORD, "terms": "on"}
        client.post(reverse("account_signup"), form, **own)
    for email in ("bob@example.com", "nobody@example.com"):
        client.post(reverse("account_reset_password"), {"email": email}, **own)
    client.force_login(bob)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD}, **own)
    form = {"email": "robert@example.com", "action_add": ""}
    client.post(reverse("account_email"), form, **own)
    form = {"oldpassword": PASSWORD, "password1": "another horse", "password2": "another horse"}
    client.post(reverse("account_change_password"), form, **own)
    texts = [f"{message.subject}\n{message.body}" for message in mail.outbox]
    assert len(texts) == 6
    return texts


def test_mails_bear_the_sites_name_and_public_address(client, bob, settings):
    settings.SITE_NAME, settings.SITE_URL = "Scissors", "https://scissors.example"
    for text in every_mail(client, bob):
        assert ":8053" not in text
        assert "Hello from Scissors" in text
        assert "https://scissors.example" in text
        assert all(link.startswith("https://scissors.example")
                   for link in re.findall(r"https?://\S+", text))  # fmt: skip


def test_without_a_public_address_links_lead_where_the_request_went(client, bob, settings):
    settings.SITE_NAME = "Scissors"
    for text in every_mail(client, bob):
        words = re.sub(r"https?://\S+", "", text)
        assert ":8053" not in words
        assert "Scissors" in words


def test_the_mailed_link_works_at_the_public_address(client, settings):
    settings.SITE_URL = "https://scissors.example"
    sign_up(client)
    path = re.search(r"https://scissors.example(\S+)", mail.outbox[0].body)[1]
    client.post(path)
    assert EmailAddress.objects.get().verified


# --- Settings ---

PRINT = """
from pixian_site import settings as s
print(s.EMAIL_PORT, s.EMAIL_USE_SSL, s.EMAIL_USE_TLS)
"""


def mail_settings(**given: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMAIL_")}
    return subprocess.run(
        [sys.executable, "-c", PRINT],
        env=kept | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "587 False True"),
        ({"EMAIL_USE_SSL": "true"}, "465 True False"),
        ({"EMAIL_PORT": "465"}, "465 True False"),
        ({"EMAIL_PORT": "2465", "EMAIL_USE_SSL": "1"}, "2465 True False"),
        ({"EMAIL_USE_TLS": "false", "EMAIL_PORT": "25"}, "25 False False"),
    ],
)
def test_port_465_speaks_tls_from_the_start(given, expected):
    assert mail_settings(**given).stdout.strip() == expected


def test_both_ways_of_tls_are_refused():
    done = mail_settings(EMAIL_PORT="465", EMAIL_USE_TLS="true")
    assert "exclude each other" in done.stderr


@pytest.mark.parametrize("address", ["cutout.example", "ftp://x", "https://x/path", "https:// x"])
def test_a_public_address_that_is_none_stops_the_start(address):
    assert "SITE_URL has to be" in mail_settings(SITE_URL=address).stderr
