"""Prometheus is told what happened, by its token alone; the dashboard asks for what there is."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from removal import capacity
from tests import pictures
from tests.api.conftest import new_caller

pytestmark = pytest.mark.django_db
DASHBOARD = Path(__file__).parent.parent.parent / "deploy" / "grafana-dashboard.json"
TOKEN = {"HTTP_AUTHORIZATION": "Bearer of the metrics"}


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = "of the metrics"


def read(client):
    """All samples as {(name, labels): value}."""
    answer = client.get("/metrics", **TOKEN)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def grown(client, act):
    before = read(client)
    act()
    after = read(client)
    return {key: value - before.get(key, 0) for key, value in after.items()}


def test_without_the_token_nothing_is_told(client, settings):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer guessed").status_code == 401
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


def test_probes_are_asked_by_address_whatever_the_sites_name_and_rules(client, settings):
    settings.REQUIRE_HTTPS = True
    settings.ALLOWED_HOSTS = ["cutout.example.com"]
    for path in ("/healthz", "/metrics"):
        assert client.get(path, HTTP_HOST="10.1.2.3:8000", **TOKEN).status_code == 200
    assert client.get("/", HTTP_HOST="10.1.2.3:8000").status_code != 200


def test_a_paid_picture_is_counted_with_its_stages_and_credits(client):
    alice = new_caller("alice@example.com", "1")
    more = grown(client, lambda: alice.post(image=pictures.portrait()))
    labels = (("code", ""), ("dialect", "v2"), ("status", "200"))
    assert more["removal_requests_total", labels] == 1
    assert more["removal_request_seconds_count", (("dialect", "v2"),)] == 1
    for stage in ("decode", "mask", "refine", "foreground", "compose", "encode"):
        assert more["removal_stage_seconds_count", (("stage", stage),)] == 1
    assert more["removal_wait_seconds_count", ()] == 1
    assert more["removal_credits_charged_total", ()] == pytest.approx(0.052)


@pytest.mark.parametrize(
    ("dialect", "path", "code"), [("v2", "/api/v2/remove-background", "1001"),
                                  ("removebg", "/v1.0/removebg", "1001"),
                                  ("v1", "/api/v1/remove-background", "1001")]
)  # fmt: skip
def test_refusals_are_counted_by_dialect_and_code(client, dialect, path, code):
    more = grown(client, lambda: client.post(path))
    refused = [
        dict(labels) for (name, labels), value in more.items()
        if name == "removal_requests_total" and value and dict(labels)["dialect"] == dialect
    ]  # fmt: skip
    assert [labels["code"] for labels in refused] == [code]


def test_free_results_charge_no_credits(client):
    alice = new_caller("alice@example.com", "1")
    more = grown(client, lambda: alice.post(image=pictures.portrait(), test="1"))
    assert more["removal_credits_charged_total", ()] == 0


def test_places_in_use_are_told(client, settings):
    assert read(client)["removal_places", ()] == settings.REMOVAL_SLOTS
    with capacity.shared().slot(lambda: False):
        assert read(client)["removal_places_taken", ()] == 1
    assert read(client)["removal_places_taken", ()] == 0


def test_what_cannot_be_looked_up_is_left_out(client, monkeypatch):
    monkeypatch.setattr(capacity.Capacity, "in_line", lambda self: 1 / 0)
    assert ("removal_places", ()) not in read(client)
    assert ("removal_ready", ()) in read(client)


def test_the_dashboard_asks_for_metrics_that_are_exported(client):
    names = {name for name, _ in read(client)}
    asked = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            asked |= set(re.findall(r"\b(?:removal|process)_[a-z_]+", target["expr"]))
    assert len(asked) >= 10
    assert asked <= names


def test_the_metrics_to_be_watched_are_exported(client):
    names = {name for name, _ in read(client)}
    text = (DASHBOARD.parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    watched = set(re.findall(r"`((?:removal|process)_[a-z_]+)", text))
    assert len(watched) >= 7
    assert {name for name in watched if not any(n.startswith(name) for n in names)} == set()
