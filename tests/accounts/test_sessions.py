"""What is kept of who was signed in, and until when."""

import pytest
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


def test_of_ended_sessions_nothing_is_kept(alice, client_factory):
    alice.set_password("correct horse")
    alice.save()
    alice.confirm_email()
    old, new = sign_in(client_factory()), sign_in(client_factory())
    Session.objects.filter(pk=old.session.session_key).update(expire_date=timezone.now())
    maintenance.forget_sessions()
    (session,), (known,) = Session.objects.all(), UserSession.objects.all()
    assert session.session_key == known.session_key == new.session.session_key
    assert new.get(reverse("dashboard")).status_code == 200
