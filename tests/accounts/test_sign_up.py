"""Signing up, logging in and what belongs to it, as a browser without JavaScript does it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.models import ApiKey, User
from billing.models import Account, LedgerEntry

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def fresh_limits_and_a_quick_hasher(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def bob(db):
    """Somebody who signed up and confirmed the address."""
    user = User.objects.create_user("bob@example.com", PASSWORD)
    user.confirm_email()
    return user


def sign_up(client, email="new@example.com", **fields):
    form = {"email": email, "password1": PASSWORD, "terms": "on", **fields}
    return client.post(reverse("account_signup"), form)


def log_in(client, email="bob@example.com", password=PASSWORD):
    return client.post(reverse("account_login"), {"login": email, "password": password})


def link_in_mail():
    return re.search(r"http://testserver(\S+)", mail.outbox[-1].body)[1]


def confirm_password(client):
    return client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def is_logged_in(client):
    return "_auth_user_id" in client.session


# --- Signing up ---


def test_signing_up_sends_a_mail_and_does_not_log_in(client, db):
    sign_up(client)
    assert mail.outbox[0].to == ["new@example.com"]
    assert not is_logged_in(client)


def test_the_link_in_the_mail_confirms_the_address(client, db):
    sign_up(client)
    client.post(link_in_mail())
    assert EmailAddress.objects.get(email="new@example.com").verified
    assert is_logged_in(client)


def test_in_another_browser_the_link_confirms_without_signing_in(client, db):
    sign_up(client)
    other = Client()
    other.post(link_in_mail())
    assert EmailAddress.objects.get(email="new@example.com").verified
    assert not is_logged_in(other)


def test_before_confirming_nobody_can_log_in(client, db):
    sign_up(client)
    log_in(client, "new@example.com")
    assert not is_logged_in(client)


def test_opening_the_link_without_a_click_confirms_nothing(client, db):
    """Mail scanners open links."""
    sign_up(client)
    client.get(link_in_mail())
    assert not EmailAddress.objects.get(email="new@example.com").verified


def test_a_taken_address_gets_a_mail_and_the_same_answer(client, bob):
    answers, pages = [], set()
    for email in ("BOB@example.com", "free@example.com"):
        answers.append(sign_up(client, email))
        page = client.get(answers[-1].url).content.decode()
        pages.add(re.sub(r'value="\w{64}"|\w+@example.com', "", page))
    assert answers[0].status_code == answers[1].status_code
    assert len(pages) == 1
    assert [message.to for message in mail.outbox] == [["bob@example.com"], ["free@example.com"]]
    assert "already" in mail.outbox[0].body


def test_the_mail_is_sent_again_at_most_every_few_minutes_to_known_and_new_addresses(bob):
    answers = []
    for email in ("bob@example.com", "new@example.com"):
        browser = Client()
        waiting = sign_up(browser, email).url
        browser.get(waiting)
        mail.outbox.clear()
        said = []
        for minutes in (0, 4):
            with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
                page = browser.post(waiting, follow=True).content.decode()
            said.append((len(mail.outbox), [it in page for it in ("minutes old", "on its way")]))
        answers.append(said)
        assert mail.outbox[0].to == [email]
    assert answers[0] == answers[1] == [(0, [True, False]), (1, [False, True])]


def test_nobody_without_a_sign_up_has_a_mail_sent(client, bob):
    page = client.post(reverse("account_email_verification_sent"), {"email": "bob@example.com"})
    assert page.status_code == 302
    assert mail.outbox == []
    assert "Send the mail again" not in client.get(page.url).content.decode()


def test_guessing_from_many_addresses_is_slowed_down_too(client, bob):
    for number in range(10):
        form = {"login": "bob@example.com", "password": "wrong"}
        client.post(reverse("account_login"), form, REMOTE_ADDR=f"203.0.113.{number}")
    log_in(client)
    assert not is_logged_in(client)


def test_guessers_cannot_push_the_count_of_others_out_of_memory(client, bob):
    for _ in range(10):
        log_in(client, password="wrong")
    for number in range(1000):
        cache.set(f"somebody-{number}", 1)
    log_in(client)
    assert not is_logged_in(client)


def test_an_invented_forwarding_address_starts_no_new_count(client, bob):
    for number in range(12):
        form = {"login": f"u{number}@example.com", "password": "wrong"}
        page = client.post(reverse("account_login"), form, HTTP_X_FORWARDED_FOR=f"1.2.3.{number}")
    assert "Too many" in page.content.decode()


def test_guessing_the_second_factor_is_slowed_down(client, with_second_factor):
    log_in(client)
    for _ in range(10):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    client.post(reverse("mfa_authenticate"), {"code": code(with_second_factor[0])})
    assert not is_logged_in(client)


def test_changing_to_a_taken_address_is_answered_as_to_a_free_one(client, bob):
    User.objects.create_user("carol@example.com").confirm_email()
    log_in(client)
    confirm_password(client)
    answers = [
        client.post(reverse("account_email"), {"email": email, "action_add": ""})
        for email in ("carol@example.com", "free@example.com")
    ]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].url == answers[1].url
    assert [message.to[0] for message in mail.outbox] == ["carol@example.com", "free@example.com"]


@pytest.mark.parametrize("password", ["short", "12345678", "password", "new@example.com"])
def test_weak_passwords_are_refused(client, db, password):
    sign_up(client, password1=password)
    assert not User.objects.exists()


def test_consent_is_asked_where_there_are_terms(client, db, settings):
    settings.TERMS_URL = "https://example.com/terms"
    assert "https://example.com/terms" in client.get(reverse("account_signup")).content.decode()
    sign_up(client, terms="")
    assert not User.objects.exists()
    sign_up(client)
    assert User.objects.get().terms_accepted_at is not None


def test_consent_is_a_sentence_without_a_colon(client, db):
    page = client.get(f"/ja{reverse('account_signup')}").content.decode()
    assert "同意します。</label>" in page


def test_a_site_can_be_closed_to_new_accounts(client, db, settings):
    settings.SIGNUP_OPEN = False
    sign_up(client)
    assert not User.objects.exists()


def test_signup_credits_come_once_and_only_after_confirming(client, db, settings):
    settings.SIGNUP_CREDITS = Decimal("2.5")
    sign_up(client)
    assert not LedgerEntry.objects.exists()
    for _ in range(2):
        client.post(link_in_mail())
    assert Account.objects.get().balance == Decimal("2.5")


def test_without_the_setting_nothing_is_given(client, db):
    sign_up(client)
    client.post(link_in_mail())
    assert not LedgerEntry.objects.exists()


# --- Logging in ---


def test_logging_in_takes_the_address_in_any_case(client, bob):
    log_in(client, "Bob@Example.COM")
    assert is_logged_in(client)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client, bob):
    wrong = log_in(client, password="wrong").content.decode()
    unknown = log_in(client, "nobody@example.com").content.decode()
    message = re.search(r"errorlist.*?</ul>", wrong, re.S)[0]
    assert message in unknown


def test_guessing_is_slowed_down(client, bob):
    for _ in range(10):
        log_in(client, password="wrong")
    log_in(client)
    assert not is_logged_in(client)


def test_an_account_without_a_password_cannot_be_logged_into(client, db):
    services.get_or_create_account("keys@example.com")
    log_in(client, "keys@example.com", "")
    assert not is_logged_in(client)


def test_the_language_of_the_last_log_in_is_remembered(client, bob):
    client.cookies["django_language"] = "ja"
    log_in(client)
    bob.refresh_from_db()
    assert bob.language == "ja"


def test_logging_out_needs_a_click(client, bob):
    log_in(client)
    client.get(reverse("account_logout"))
    assert is_logged_in(client)
    client.post(reverse("account_logout"))
    assert not is_logged_in(client)


# --- Passwords ---


@pytest.mark.parametrize("email", ["bob@example.com", "keys@example.com"])
def test_a_forgotten_or_absent_password_is_set_by_mail(client, bob, email):
    services.get_or_create_account("keys@example.com")
    client.post(reverse("account_reset_password"), {"email": email})
    form = client.get(link_in_mail(), follow=True)
    client.post(
        form.redirect_chain[-1][0], {"password1": "another horse", "password2": "another horse"}
    )
    log_in(client, email, "another horse")
    assert is_logged_in(client)


def test_resetting_an_unknown_address_gets_the_same_answer(client, bob):
    answers = [
        client.post(reverse("account_reset_password"), {"email": email})
        for email in ("bob@example.com", "nobody@example.com")
    ]
    assert answers[0].url == answers[1].url
    assert [message.to for message in mail.outbox] == [["bob@example.com"], ["nobody@example.com"]]


def test_asking_for_many_resets_is_slowed_down_by_a_page_of_ours(client, bob):
    forms = [
        client.post(reverse("account_reset_password"), {"email": "bob@example.com"})
        for _ in range(6)
    ]
    assert forms[-1].status_code == 429
    assert "Wait a few minutes" in forms[-1].content.decode()


def test_a_changed_password_is_told_to_its_owner(client, bob):
    log_in(client)
    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": "another horse", "password2": "another horse"},
    )
    assert mail.outbox[-1].to == ["bob@example.com"]
    bob.refresh_from_db()
    assert bob.check_password("another horse")


# --- Addresses, sessions ---


def test_an_address_changes_only_after_it_is_confirmed(client, bob):
    log_in(client)
    confirm_password(client)
    client.post(reverse("account_email"), {"email": "robert@example.com", "action_add": ""})
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"
    client.post(link_in_mail())
    bob.refresh_from_db()
    assert bob.email == "robert@example.com"


def test_sessions_are_listed_and_others_can_be_ended(client, bob, client_factory):
    other = client_factory()
    firefox = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    client.defaults["HTTP_USER_AGENT"], other.defaults["HTTP_USER_AGENT"] = firefox, "<b>curl</b>"
    log_in(client)
    log_in(other)
    page = client.get(reverse("usersessions_list")).content.decode()
    assert ">Firefox · Windows<" in page
    assert ">&lt;b&gt;curl&lt;/b&gt;<" in page
    client.post(reverse("usersessions_list"))
    assert other.get(reverse("purchases")).status_code == 302
    assert client.get(reverse("purchases")).status_code == 200


# --- Second factor ---


def code(secret):
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


@pytest.fixture
def with_second_factor(client, bob):
    """Bob with an authenticator app; its secret, and the recovery codes."""
    log_in(client)
    confirm_password(client)
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    client.logout()
    cache.clear()  # a code works once
    return secret, codes


def test_a_second_factor_is_asked_for_after_the_password(client, with_second_factor):
    log_in(client)
    assert not is_logged_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert not is_logged_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code(with_second_factor[0])})
    assert is_logged_in(client)


def test_a_recovery_code_works_once(client, with_second_factor, client_factory):
    for browser, works in ((client, True), (client_factory(), False)):
        log_in(browser)
        browser.post(reverse("mfa_authenticate"), {"code": with_second_factor[1][0]})
        assert is_logged_in(browser) is works


def test_the_database_does_not_tell_the_second_factor(with_second_factor):
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert with_second_factor[0] not in stored
    assert not any(code in stored for code in with_second_factor[1])


def test_staff_log_in_to_the_administration_by_the_same_page(client, bob):
    answer = client.get(reverse("admin:login"))
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("account_login"))


# --- Closing ---


def test_closing_asks_for_the_password(client, bob):
    log_in(client)
    asked = client.post(reverse("account_close"))
    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert User.objects.exists()
    client.post(asked.url, {"password": PASSWORD})
    assert not User.objects.exists()


def test_closing_ends_keys_and_removes_the_person(client, bob):
    services.issue_api_key(bob)
    log_in(client)
    confirm_password(client)
    client.post(reverse("account_close"))
    assert not User.objects.exists()
    assert not ApiKey.objects.exists()
    assert not is_logged_in(client)


def test_closing_keeps_the_books_without_a_name(client, bob):
    from billing import ledger

    ledger.grant(bob, Decimal(5), "gift")
    log_in(client)
    confirm_password(client)
    client.post(reverse("account_close"))
    assert (Account.objects.get().user, Account.objects.get().balance) == (None, 5)


def test_looking_at_the_page_tells_what_is_lost_and_closes_nothing(client, bob):
    from billing import ledger

    ledger.grant(bob, Decimal("5.25"), "gift")
    log_in(client)
    page = client.get(reverse("account_close")).content.decode()
    assert "Your 5.250 credits are lost. This cannot be undone." in page
    assert User.objects.exists()


def test_staff_cannot_close_their_own_account(client, bob):
    bob.is_staff = True
    bob.save()
    log_in(client)
    confirm_password(client)
    client.post(reverse("account_close"))
    assert User.objects.exists()


def test_the_pages_are_japanese_for_who_reads_japanese(client, db):
    page = client.get(reverse("account_login"), headers={"Accept-Language": "ja"})
    assert "ログイン" in page.content.decode()


@pytest.mark.parametrize("path", ["/accounts/login/", "/ja/accounts/signup/", "/admin/login/"])
def test_no_megabytes_are_taken_for_a_password(client, db, path, monkeypatch):
    monkeypatch.setattr(HttpRequest, "_load_post_and_files", lambda _: pytest.fail("was parsed"))
    answer = client.post(path, {"login": "bob@example.com", "password": "x" * 300_000})
    assert answer.status_code == 413
