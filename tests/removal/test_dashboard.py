"""The owner's pages: what they show, what they change, and that others' things stay others'."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts import services, webhook_secrets
from accounts.errors import KeyRevoked
from accounts.models import ApiKey, User, WebhookSecret
from billing import ledger
from billing.errors import KeyLimitReached
from billing.models import Account, Purchase
from pixian_site.dashboard.chart import draw
from removal import limits
from removal.models import Batch, OwnRecipe, Removal
from removal.usage import Usage


@pytest.fixture(autouse=True)
def fresh_hour():
    limits.forget_visitors()


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice@example.com")


@pytest.fixture
def mallory(db):
    return User.objects.create_user("mallory@example.com")


@pytest.fixture
def visitor(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def key(alice):
    return services.issue_api_key(alice, "laptop")[0]


def removal(user, **columns):
    number = Removal.objects.count()
    defaults = {"request_id": f"req-{number}", "via": "api", "status": 200, "duration_ms": 321}
    return Removal.objects.create(user=user, **defaults | columns)


def text(visitor, name, *arguments, **query):
    return visitor.get(reverse(name, args=arguments), query).content.decode()


# --- Overview ---


def test_the_overview_shows_what_can_be_spent_and_what_is_held(visitor, alice):
    ledger.grant(alice, Decimal("12.5"), "gift")
    ledger.hold(alice, Decimal("0.154"), "", 90)
    page = text(visitor, "dashboard")
    assert re.search(r'id="balance">12\.346<', page)
    assert "0.154 more are held" in page


def test_the_overview_says_when_credits_are_dormant(visitor, alice):
    ledger.grant(alice, Decimal(1), "gift")
    Account.objects.update(use_before=timezone.localdate() - timedelta(days=1))
    assert "Your credits expired" in text(visitor, "dashboard")


def test_the_overview_says_that_an_account_is_suspended(visitor, alice):
    services.suspend(alice)
    assert "suspended" in text(visitor, "dashboard")


def test_the_overview_counts_requests_errors_and_credits_of_30_days(visitor, alice, mallory):
    removal(alice, credits_charged=Decimal("0.1"))
    removal(alice, status=402, error_code=1011, error_message="Not enough credits.")
    removal(alice, created_at=timezone.now() - timedelta(days=31))
    removal(mallory)
    context = visitor.get(reverse("dashboard")).context
    assert (context["requests"], context["errors"]) == (2, 1)
    assert context["spent"] == Decimal("0.1")
    chart = context["chart"]
    assert len(chart.days) == 30
    assert [line.value for line in chart.lines] == [0, 1, 2]
    assert chart.days[-1].y == chart.lines[-1].y
    assert chart.days[-1].error_y == chart.lines[1].y


def test_without_requests_the_overview_says_what_to_do(visitor):
    page = text(visitor, "dashboard")
    assert "<svg" not in page.partition("<main")[2]
    assert "No requests in the last 30 days" in page


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (1, 1), (4, 4), (5, 6), (20, 20), (21, 30), (1234, 1500)]
)
def test_the_charts_lines_are_round_numbers_up_to_the_busiest_day(highest, top):
    today = timezone.localdate()
    chart = draw({today: Usage(requests=highest)}, today, 1)
    values = [line.value for line in chart.lines]
    assert (values[0], values[-1]) == (0, top)
    assert 2 <= len(values) <= 5


@pytest.mark.parametrize(
    ("language", "written"), [("", "3 Feb 2026, 14:05"), ("ja/", "2026/02/03 14:05")]
)
def test_dates_are_written_as_the_language_does_and_their_zone_is_named(
    visitor, alice, language, written
):
    removal(alice, created_at=datetime(2026, 2, 3, 14, 5, tzinfo=UTC))
    page = visitor.get(f"/{language}dashboard/requests").content.decode()
    assert written in page
    assert "UTC" in page


# --- Requests ---


def test_requests_are_listed_with_their_errors(visitor, alice):
    removal(alice, status=400, error_code=1006, error_message="Failed to read the supplied image.")
    page = text(visitor, "usage")
    for words in ("1006", "Failed to read the supplied image.", "req-0", "321 ms"):
        assert words in page


def test_requests_of_others_are_not_listed(visitor, mallory):
    removal(mallory)
    assert "req-0" not in text(visitor, "usage")


def test_errors_alone_can_be_listed(visitor, alice):
    removal(alice)
    removal(alice, status=400)
    page = text(visitor, "usage", errors="on")
    assert "req-1" in page
    assert "req-0" not in page


def test_a_page_that_does_not_exist_shows_the_last(visitor, alice):
    for _ in range(51):
        removal(alice)
    assert "req-0<" in text(visitor, "usage", page="99")


def rows_of_csv(visitor):
    response = visitor.get(reverse("usage_csv"))
    content = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_the_csv_holds_own_requests(visitor, alice, mallory):
    removal(alice, credits_charged=Decimal("0.154"))
    removal(mallory)
    rows = rows_of_csv(visitor)
    assert [(row["request_id"], row["credits_charged"]) for row in rows] == [("req-0", "0.154")]


@pytest.mark.parametrize("first", "=+-@\t")
def test_the_csv_runs_no_formula_in_a_spreadsheet(visitor, alice, first):
    removal(alice, status=400, error_message=f"{first}HYPERLINK(1)")
    assert rows_of_csv(visitor)[0]["error_message"] == f"'{first}HYPERLINK(1)"


def test_ones_data_can_be_taken_along(visitor, alice, key):
    ledger.grant(alice, Decimal(5), "gift")
    removal(alice)
    Batch.objects.create(batch_id="b1", user=alice, expires_at=timezone.now())
    SocialAccount.objects.create(user=alice, provider="corp", uid="a-1")
    OwnRecipe.objects.create(user=alice, name="Mine", parameters={})
    data = json.loads(visitor.get(reverse("export")).getvalue())
    assert data["account"]["email"] == alice.email
    assert data["api_keys"][0]["public_id"] == key.public_id
    assert data["ledger"][0]["reason"] == "gift"
    assert data["requests"][0]["request_id"] == "req-0"
    assert data["batches"][0]["batch_id"] == "b1"
    assert data["connected_accounts"][0]["uid"] == "a-1"
    assert data["recipes"][0]["name"] == "Mine"
    assert key.secret_hash not in str(data)


def test_the_data_tells_all_that_is_stored_about_the_person(db, client):
    """Whatever model points to a user, directly, is in the export, or its reason is here."""
    elsewhere = {
        "logentry",  # of staff's own doings
        "account",  # its rows are the ledger and the purchases
        "keyedrequest",  # repeats a request for a day; that request is listed
        "emailaddress",
        "authenticator",
        "usersession",
    }
    related = {field.related_model._meta.model_name for field in User._meta.related_objects}
    listed = {"apikey", "removal", "dailyusage", "keptpicture", "batch", "ledgerentry"}
    listed |= {"ownrecipe", "socialaccount"}
    assert related <= elsewhere | listed, "add what is new to the export"


def test_the_data_names_addresses_sessions_and_purchases(client, db):
    bob = User.objects.create_user("bob@example.com", "correct horse battery")
    bob.confirm_email()
    form = {"login": "bob@example.com", "password": "correct horse battery"}
    client.post(reverse("account_login"), form, headers={"User-Agent": "Bob's browser"})
    account = ledger.account_for(bob)
    Purchase.objects.create(
        account=account, pack_name="Hundred", credits=100, validity_days=1, currency="eur", amount=1
    )
    data = json.loads(client.get(reverse("export")).getvalue())
    assert data["account"]["addresses"][0]["verified"] is True
    assert data["sessions"][0]["user_agent"] == "Bob's browser"
    assert data["purchases"][0]["pack_name"] == "Hundred"
    assert data["second_factors"] == []


# --- Keys ---


def create(visitor, **fields):
    return visitor.post(reverse("api_keys"), {"label": "laptop", **fields})


def secret_on(page):
    return re.search(r'id="api-secret">(\w+)<', page.content.decode())[1]


def test_a_new_key_is_shown_once_with_a_line_to_try(visitor, alice):
    page = create(visitor)
    key = ApiKey.objects.get()
    secret = secret_on(page)
    assert services.authenticate_key(key.public_id, secret).user == alice
    assert f"curl -u {key.public_id}:{secret}" in page.content.decode()
    assert secret not in text(visitor, "api_keys")
    assert secret not in text(visitor, "api_key", key.public_id)


def test_the_page_with_the_secret_is_not_kept_by_caches(visitor):
    assert "no-store" in create(visitor).headers["Cache-Control"]


def test_the_secret_is_nowhere_in_the_database(visitor):
    secret = secret_on(create(visitor))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert secret not in str(cursor.fetchall()), table


def test_a_key_can_be_for_tests_only_and_limited(visitor):
    create(visitor, test_only="on", monthly_limit="12.5")
    key = ApiKey.objects.get()
    assert (key.test_only, key.monthly_limit) == (True, Decimal("12.5"))


@pytest.mark.parametrize("limit", ["0", "-1", "x", "0.0001", "1e20"])
def test_a_limit_that_makes_no_sense_is_refused(visitor, limit):
    create(visitor, monthly_limit=limit)
    assert not ApiKey.objects.exists()


def test_an_account_has_a_bounded_number_of_keys(visitor, alice):
    for _ in range(50):
        services.issue_api_key(alice)
    create(visitor)
    assert ApiKey.objects.count() == 50
    services.revoke(ApiKey.objects.first())
    create(visitor)
    assert ApiKey.objects.count() == 51


def test_keys_are_made_and_replaced_only_so_often(visitor, alice, key, monkeypatch):
    monkeypatch.setattr(limits, "NEW_KEYS_PER_HOUR", 2)
    create(visitor)
    visitor.post(reverse("rotate_key", args=[key.public_id]), {"hours": "0"})
    assert ApiKey.objects.count() == 3
    other = ApiKey.objects.filter(revoked_at=None).first()
    assert "min." in create(visitor).content.decode()
    page = visitor.post(reverse("rotate_key", args=[other.public_id]), {"hours": "0"}, follow=True)
    assert "min." in page.content.decode()
    assert ApiKey.objects.count() == 3


def test_the_list_shows_use_of_30_days(visitor, alice, key):
    removal(alice, api_key=key, credits_charged=Decimal("0.1"))
    removal(alice, api_key=key, created_at=timezone.now() - timedelta(days=31))
    row = visitor.get(reverse("api_keys")).context["keys"][0][0]
    assert (row.requests, row.spent) == (1, Decimal("0.1"))


def test_label_and_limit_can_be_changed(visitor, key):
    visitor.post(reverse("api_key", args=[key.public_id]), {"label": "server", "monthly_limit": 5})
    key.refresh_from_db()
    assert (key.label, key.monthly_limit) == ("server", 5)


def test_a_key_can_be_revoked(visitor, alice):
    key, secret = services.issue_api_key(alice)
    visitor.post(reverse("revoke_key", args=[key.public_id]))
    with pytest.raises(KeyRevoked):
        services.authenticate_key(key.public_id, secret)


@pytest.mark.parametrize(("hours", "works_on"), [("0", False), ("24", True)])
def test_a_replaced_key_goes_on_as_long_as_was_chosen(visitor, alice, hours, works_on):
    old, old_secret = services.issue_api_key(alice, "laptop", monthly_limit=Decimal(5))
    page = visitor.post(reverse("rotate_key", args=[old.public_id]), {"hours": hours})
    new = ApiKey.objects.exclude(pk=old.pk).get()
    assert services.authenticate_key(new.public_id, secret_on(page))
    assert (new.label, new.monthly_limit) == ("laptop", 5)
    old.refresh_from_db()
    assert old.is_revoked is not works_on
    if works_on:
        assert services.authenticate_key(old.public_id, old_secret)


def test_pages_that_show_a_secret_are_kept_nowhere(visitor, key):
    replaced = visitor.post(reverse("rotate_key", args=[key.public_id]), {"hours": "24"})
    for page in (create(visitor), replaced):
        assert secret_on(page)
        assert "no-store" in page["Cache-Control"]


def test_a_revoked_key_cannot_be_replaced(visitor, key):
    services.revoke(key)
    visitor.post(reverse("rotate_key", args=[key.public_id]), {"hours": "24"})
    assert ApiKey.objects.count() == 1


def test_the_owner_sees_and_replaces_the_webhook_secret(visitor, key):
    address = reverse("webhook_secret", args=[key.public_id])
    assert address in visitor.get(reverse("api_key", args=[key.public_id])).content.decode()
    (before,) = webhook_secrets.signing(key)
    page = visitor.get(address)
    assert before in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    page = visitor.post(address, {"hours": "24"}, follow=True).content.decode()
    after, still = webhook_secrets.signing(key)
    assert still == before
    assert after in page
    assert before not in page
    assert "also signs until" in page
    visitor.post(address, {"hours": "0"})
    assert len(webhook_secrets.signing(key)) == 1


def test_a_webhook_secret_that_cannot_be_read_is_said_to_be_so(visitor, key):
    address = reverse("webhook_secret", args=[key.public_id])
    WebhookSecret.objects.update(sealed="sealed under a key that is lost")
    assert "Please replace it" in visitor.get(address).content.decode()
    assert "Copy" in visitor.post(address, {"hours": "0"}, follow=True).content.decode()


def test_whoever_finds_a_browser_signed_in_reads_no_webhook_secret(client, alice, key):
    alice.set_password("correct horse battery")
    alice.save()
    client.force_login(alice)
    address = reverse("webhook_secret", args=[key.public_id])
    for answer in (client.get(address), client.post(address, {"hours": "0"})):
        assert answer["Location"].startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize("view", ["api_key", "rotate_key", "webhook_secret", "revoke_key"])
def test_the_keys_of_others_do_not_exist(client, mallory, key, view):
    client.force_login(mallory)
    answer = client.post(reverse(view, args=[key.public_id]), {"hours": "0", "label": "mine"})
    assert answer.status_code == 404
    key.refresh_from_db()
    assert (key.label, key.revoked_at) == ("laptop", None)


# --- A key's monthly limit ---


def test_a_key_spends_no_more_than_its_limit(alice):
    ledger.grant(alice, Decimal(100), "gift")
    key, _ = services.issue_api_key(alice, monthly_limit=Decimal("1.5"))
    ledger.settle(ledger.hold(alice, Decimal(1), "", 90, key))
    with pytest.raises(KeyLimitReached) as refused:
        ledger.hold(alice, Decimal("0.501"), "", 90, key)
    assert (refused.value.status, refused.value.code) == (402, 1011)
    assert "0.500 are left" in refused.value.message
    assert ledger.hold(alice, Decimal("0.5"), "", 90, key)
    with pytest.raises(KeyLimitReached):  # what is under way counts, too
        ledger.hold(alice, Decimal("0.001"), "", 90, key)


def test_other_keys_are_not_touched_by_a_limit(alice, key):
    ledger.grant(alice, Decimal(100), "gift")
    limited, _ = services.issue_api_key(alice, monthly_limit=Decimal(1))
    ledger.hold(alice, Decimal(1), "", 90, limited)
    assert ledger.hold(alice, Decimal(1), "", 90, key)


def test_what_was_released_or_last_month_does_not_count(alice):
    ledger.grant(alice, Decimal(100), "gift")
    key, _ = services.issue_api_key(alice, monthly_limit=Decimal(1))
    ledger.release(ledger.hold(alice, Decimal(1), "", 90, key))
    old = ledger.hold(alice, Decimal(1), "", 90, key)
    old.created_at = timezone.now().replace(day=1) - timedelta(days=2)
    old.save()
    assert ledger.spent_this_month(key) == 0
    assert ledger.hold(alice, Decimal(1), "", 90, key)
