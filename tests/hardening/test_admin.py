"""ADMIN_REQUIRE_MFA: no admin without a second factor."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages():
    return [reverse("admin:index"), reverse("admin:accounts_user_changelist"), "/ja/admin/"]


def test_staff_without_a_second_factor_are_sent_to_set_one_up(admin_client, settings, pages):
    settings.ADMIN_REQUIRE_MFA = True
    for page in pages:
        answer = admin_client.get(page)
        assert answer.status_code == 302
        assert reverse("mfa_activate_totp") in answer["Location"]


def test_staff_with_one_get_in(admin_client, admin_user, settings, pages):
    settings.ADMIN_REQUIRE_MFA = True
    TOTP.activate(admin_user, generate_totp_secret())
    assert Authenticator.objects.filter(user=admin_user).exists()
    for page in pages:
        assert admin_client.get(page).status_code == 200


def test_the_rest_of_the_site_does_not_ask_for_it(admin_client, settings):
    settings.ADMIN_REQUIRE_MFA = True
    assert admin_client.get(reverse("dashboard")).status_code == 200
    assert admin_client.get(reverse("mfa_index")).status_code in (200, 302)


def test_without_the_setting_a_password_is_enough(admin_client, pages):
    assert admin_client.get(pages[0]).status_code == 200
