"""What is kept of who was signed in, and until when."""

from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from pixian_site import maintenance

pytestmark = pytest.mark.django_db


def sign_in(client):
    page = client.post(
        reverse("account_login"), {"login": "alice@example.com", "password": "correct horse"}
    )
    assert page.status_code == 302
    return client


@pytest.fixture(autouse=True)
def password(alice):
    alice.set_password("correct horse")
    alice.save()
    alice.confirm_email()


def test_a_browser_left_signed_in_gives_the_account_to_nobody(alice, client):
    sign_in(client)
    address = {"action_add": "", "email": "thief@example.com"}
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        answer = client.post(reverse("account_email"), address)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not EmailAddress.objects.filter(email="thief@example.com").exists()


def test_who_has_just_signed_in_is_not_asked_again_except_to_close_the_account(
    alice, client, client_factory
):
    activate = reverse("mfa_activate_totp")
    sign_in(client)
    assert client.get(activate).status_code == 200
    closing = client.post(reverse("account_close"))
    assert closing["Location"].startswith(reverse("account_reauthenticate"))
    by_mail = client_factory()
    by_mail.force_login(alice)  # as by the confirmation: the password was not given
    assert by_mail.get(activate)["Location"].startswith(reverse("account_reauthenticate"))


def test_of_ended_sessions_nothing_is_kept(alice, client_factory):
    old, new = sign_in(client_factory()), sign_in(client_factory())
    Session.objects.filter(pk=old.session.session_key).update(expire_date=timezone.now())
    maintenance.forget_sessions()
    (session,), (known,) = Session.objects.all(), UserSession.objects.all()
    assert session.session_key == known.session_key == new.session.session_key
    assert new.get(reverse("dashboard")).status_code == 200
