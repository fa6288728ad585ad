"""What every page tells browsers to refuse."""

import re
import subprocess
import sys
from os import environ

import pytest

from accounts.services import get_or_create_account
from tests.serving import ROOT

pytestmark = pytest.mark.django_db
PAGES = ["/", "/pricing", "/accounts/login/", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_bears_the_security_headers(client, path):
    answer = client.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_inline_and_nothing_of_others_may_run(client, path):
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    for strict in ("object-src", "base-uri", "frame-ancestors"):
        assert f"{strict} 'none'" in policy


@pytest.mark.parametrize("path", ["/", "/pricing", "/accounts/login/", "/admin/login/"])
def test_pages_contain_nothing_that_the_policy_would_block(client, path):
    page = client.get(path, follow=True).content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*type=.application/(?:ld\+)?json)", page)
    assert not re.findall(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize(
    "path", ["/dashboard", "/dashboard/requests.csv", "/billing/purchases", "/accounts/email/"]
)
def test_pages_of_one_person_are_kept_by_no_proxy(client, path):
    client.force_login(get_or_create_account("alice@example.com")[0])
    assert "private" in client.get(path)["Cache-Control"]


def test_answers_of_the_api_are_what_they_say(client):
    assert client.get("/api/v2/account")["X-Content-Type-Options"] == "nosniff"


def test_with_https_cookies_are_for_https_and_browsers_stay_with_it():
    code = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"
    )
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    for https, expected in (("true", "True True True"), ("false", "False False False")):
        done = subprocess.run(
            command, cwd=ROOT, env=environ | {"REQUIRE_HTTPS": https}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "False False"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"}, "True True"),
    ],
)
def test_other_hosts_of_the_domain_are_bound_only_where_that_is_asked_for(asked, expected):
    code = (
        "from pixian_site import settings as s;"
        "print(s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ | {"REQUIRE_HTTPS": "true"} | asked,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == expected


def test_plain_http_is_redirected_on_pages_and_refused_to_programs(settings, client):
    settings.REQUIRE_HTTPS = True
    page = client.get("/pricing?a=b")
    assert (page.status_code, page["Location"]) == (301, "https://testserver/pricing?a=b")
    assert client.get("/api/v2/account").json()["error"]["code"] == 1129


def test_session_and_form_cookies_are_out_of_scripts_and_other_sites_reach(client):
    user, _ = get_or_create_account("a@example.com")
    user.set_password("correct horse battery")
    user.save()
    fields = {"login": "a@example.com", "password": "correct horse battery"}
    session = client.post("/accounts/login/", fields).cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
