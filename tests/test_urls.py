"""Every address of the site is classified: who may open it. An unclassified one fails here."""

import uuid
from collections.abc import Iterator

import pytest
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, resolve, reverse

from accounts import services
from accounts.models import User

# Names of addresses, by who may open them. `/admin/` is classified as a whole: staff.
PUBLIC = {
    "home",
    "about",
    "faq",
    "privacy",
    "terms",
    "api_docs",
    "api_parameters",
    "api_answers",
    "api_samples",
    "api_batches",
    "api_delta_png",
    "api_errors",
    "api_limits",
    "api_moving",
    "api_changes",
    "robots",
    "sitemap",
    "removals",
    "allowance",  # the page's own requests: limited by address
    "own_recipes",  # also by the page, which tells visitors to sign in (401)
    "set_language",
    "pricing",
    "account_login",
    "account_signup",
    "account_logout",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_email",
    "account_email_verification_sent",
    "account_confirm_login_code",
    "mfa_authenticate",
    "socialaccount_login_cancelled",
}
LOGIN = {
    "dashboard",
    "usage",
    "usage_csv",
    "export",
    "low_balance",
    "api_keys",
    "api_key",
    "rotate_key",
    "webhook_secret",
    "revoke_key",
    "buy",
    "thanks",
    "purchases",
    "receipt",
    "account_close",
    "account_email",
    "account_change_password",
    "account_set_password",
    "account_reauthenticate",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "usersessions_list",
    "socialaccount_connections",
}
# Of these the owner's alone exist: tests/removal/test_dashboard.py, tests/billing/test_stripe.py.
OF_ONE_THING = {
    "api_key",
    "thanks",
    "receipt",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
}
# On the way to another site and back: tests/accounts/test_openid.py.
ELSEWHERE = {
    "openid_connect_login",
    "openid_connect_callback",
    "socialaccount_login_error",
    "socialaccount_signup",
}
# Of whoever sent the picture, by account or cookie: tests/removal/test_kept.py, test_mending.py.
SENDERS = {
    "removal",
    "removal_original",
    "removal_result",
    "removal_touched_up",
    "removal_work_copy",
    "removal_matte",
    "removal_mended",
}
SIGNED = {"stripe_webhook", "stripe_webhook_slash"}  # by Stripe's signature alone
API_PREFIXES = ("/api/", "/v1.0/")  # by API key, and all errors are JSON: tests/api
ADMIN_NAMESPACE = "admin"

ARGUMENTS = {
    "public_id": "pxnobody",
    "reference": uuid.UUID(int=0),
    "key": "nothing",
    "picture_id": "0" * 32,
    "uidb36": "1",
}


def addresses(patterns: list, namespace: str = "", prefix: str = "/") -> Iterator[tuple[str, str]]:
    """Every (name, path) below these patterns; a pattern without a name is named by its path."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, pattern.namespace or namespace, path)
        elif isinstance(pattern, URLPattern) and namespace != ADMIN_NAMESPACE:
            yield pattern.name or path, path


ALL = sorted(set(addresses(get_resolver().url_patterns)))
PAGES = [(name, path) for name, path in ALL if not path.startswith(API_PREFIXES)]


def address_of(name: str) -> str:
    for wanted in (
        (),
        ("public_id",),
        ("picture_id",),
        ("reference",),
        ("key",),
        ("uidb36", "key"),
    ):
        try:
            return reverse(name, kwargs={word: ARGUMENTS[word] for word in wanted})
        except NoReverseMatch:
            continue
    raise AssertionError(f"{name} needs arguments that ARGUMENTS does not have")


def test_every_address_is_classified_once():
    names = [name for name, _ in PAGES]
    kinds = (PUBLIC, LOGIN, SENDERS, ELSEWHERE, SIGNED)
    known = set[str]().union(*kinds)
    assert not set(names) - known, "classify these: who may open them?"
    assert sum(map(len, kinds)) == len(known)


@pytest.mark.parametrize("name", sorted({name for name, _ in PAGES} & LOGIN))
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_anonymous_are_sent_to_log_in(client, db, name, method):
    answer = getattr(client, method)(address_of(name))
    assert answer.status_code in (302, 405), name
    if answer.status_code == 302:
        assert answer.url.startswith(reverse("account_login")), name


@pytest.mark.parametrize("name", sorted({name for name, _ in PAGES} & LOGIN))
def test_who_is_logged_in_gets_in(client, db, name):
    client.force_login(User.objects.create_user("alice@example.com", "correct horse battery"))
    missing = 404 if name in OF_ONE_THING else 200
    answer = client.get(address_of(name))
    assert answer.status_code in (missing, 302, 405), name
    assert not answer.headers.get("Location", "").startswith(reverse("account_login")), name


@pytest.mark.parametrize("name", sorted({name for name, _ in PAGES} & PUBLIC - {"removals"}))
def test_public_pages_open_for_everybody(client, db, name):
    answer = client.get(address_of(name))
    assert answer.status_code in (200, 302, 405, 503), name
    assert "login" not in answer.headers.get("Location", "") or name.startswith(("account", "mfa"))


@pytest.mark.parametrize("name", sorted(SENDERS))
def test_strangers_pictures_are_not_found(client, db, name):
    answer = client.get(address_of(name))
    if answer.status_code == 405:
        answer = client.post(address_of(name))
    assert answer.status_code == 404


def test_unsigned_deliveries_are_refused(client, db):
    for name in SIGNED:
        assert client.post(address_of(name)).status_code == 400


@pytest.mark.parametrize("staff", [False, True])
def test_the_administration_is_for_staff(client, db, staff):
    client.force_login(User.objects.create_user("somebody@example.com", is_staff=staff))
    assert client.get(reverse("admin:index")).status_code == (200 if staff else 302)


@pytest.mark.parametrize("model", ["accounts_user", "billing_account", "billing_purchase"])
def test_staff_without_permission_see_no_rows(client, db, model):
    client.force_login(User.objects.create_user("somebody@example.com", is_staff=True))
    assert client.get(reverse(f"admin:{model}_changelist")).status_code == 403


@pytest.mark.parametrize("name", ["api_key", "rotate_key", "webhook_secret", "revoke_key"])
def test_another_users_key_is_not_found(client, db, name):
    key, _ = services.issue_api_key(User.objects.create_user("alice@example.com"))
    client.force_login(User.objects.create_user("mallory@example.com"))
    address = reverse(name, args=[key.public_id])
    assert resolve(address).url_name == name
    assert client.post(address, {"hours": "0"}).status_code == 404


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/admin", "/admin/"),
        ("/pricing/?currency=eur", "/pricing?currency=eur"),
        ("/accounts/login", "/accounts/login/"),
        ("/ja/pricing/", "/ja/pricing"),
        ("/ja/accounts/login", "/ja/accounts/login/"),
    ],
)
def test_a_slash_too_many_or_too_few_leads_to_the_page(client, db, typed, meant):
    answer = client.get(typed)
    assert (answer.status_code, answer["Location"]) == (302, meant)


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/admin/x", "/admin/x/"])
def test_what_is_not_there_either_way_is_not_found(client, db, path):
    client.force_login(User.objects.create_superuser("root@example.com", "Adm1n-password"))
    assert client.get(path).status_code == 404
