"""The choice of a network: what a request gets, what it costs, and what is refused."""

import base64
from decimal import Decimal

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from billing import ledger
from removal import limits, offers
from removal.models import BatchPicture, Removal
from tests import pictures
from tests.api.test_removebg import post as post_removebg
from tests.batches.conftest import BATCHES, work_through

PHOTO = pictures.portrait(160, 120)
pytestmark = pytest.mark.xdist_group("engine processes")


@pytest.fixture(autouse=True)
def two_networks(settings, monkeypatch):
    monkeypatch.setenv("REMOVAL_MODELS", "u2netp, isnet")
    monkeypatch.setenv("REMOVAL_QUALITY", "fast")
    settings.CREDITS_MODEL_FACTORS = {"isnet": Decimal("2.5")}


def results(model: str) -> float:
    return REGISTRY.get_sample_value("removal_results_total", {"model": model}) or 0


def test_a_request_gets_the_network_that_it_names_at_its_price(alice):
    price = ledger.price_of(160 * 120)
    before = results("isnet")
    names = ("", "isnet", "ISNet")
    default, better, again = (alice.post(image=PHOTO, model=name) for name in names)
    assert [one["X-Model"] for one in (default, better, again)] == ["u2netp", "isnet", "isnet"]
    assert default.content != better.content == again.content
    assert Decimal(default["X-Credits-Charged"]) == price
    assert Decimal(better["X-Credits-Charged"]) == ledger.price_of(160 * 120, Decimal("2.5"))
    assert Decimal(better["X-Credits-Charged"]) == Decimal("0.127")  # 2.5 x 0.05096
    assert alice.credits == 10 - price - 2 * Decimal("0.127")
    assert list(Removal.objects.order_by("pk").values_list("model", flat=True)) == [
        "u2netp", "isnet", "isnet",
    ]  # fmt: skip
    assert results("isnet") == before + 2


def test_a_test_tells_the_price_and_counts_as_the_work_it_is(alice, settings):
    settings.REMOVAL_FREE_TESTS_PER_HOUR = 4
    limits.forget_visitors()
    answer = alice.post(image=PHOTO, model="isnet", test="true")
    assert (answer["X-Credits-Calculated"], answer["X-Credits-Charged"]) == ("0.127", "0")
    assert alice.post(image=PHOTO, model="isnet", test="true").status_code == 429
    assert alice.post(image=PHOTO, test="true").status_code == 200
    limits.forget_visitors()


@pytest.mark.parametrize("name", ["silueta", "own", "../isnet", "isnet\nx", "{}", "x" * 200])
def test_what_is_not_on_offer_is_refused_and_costs_nothing(alice, name):
    answer = alice.post(image=PHOTO, model=name)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == 1131
    assert error["message"].startswith("model")
    batch = alice.post(path=BATCHES, image=PHOTO, model=name)
    assert (batch.status_code, batch.json()["error"]["code"]) == (400, 1131)
    assert alice.credits == 10
    assert not Removal.objects.exclude(model="").exists()


def test_the_message_names_what_is_on_offer(alice):
    message = alice.post(image=PHOTO, model="silueta").json()["error"]["message"]
    assert "u2netp, isnet" in message


def test_a_repeated_request_repeats_the_network(alice):
    headers = {"HTTP_IDEMPOTENCY_KEY": "one"}
    fields = {"model": "isnet", "image.base64": base64.b64encode(PHOTO).decode()}
    path, authorization = "/api/v2/remove-background", alice.authorization
    first, second = (
        alice.client.post(path, fields, HTTP_AUTHORIZATION=authorization, **headers)
        for _ in range(2)
    )
    assert second["Idempotency-Replayed"] == "true"
    assert first["X-Model"] == second["X-Model"] == "isnet"
    other = alice.client.post(
        path, fields | {"model": "u2netp"}, HTTP_AUTHORIZATION=authorization, **headers
    )
    assert other.status_code == 422
    assert alice.credits == 10 - Decimal("0.127")


def test_a_batch_is_done_by_its_network(alice):
    answer = alice.post(path=BATCHES, image=PHOTO, model="isnet")
    assert answer.status_code == 201
    work_through()
    picture = BatchPicture.objects.get()
    assert (picture.outcome["model"], picture.charged) == ("isnet", Decimal("0.127"))


def test_remove_bgs_types_choose_a_network_that_is_made_for_them(alice, monkeypatch):
    assert post_removebg(alice, image_file=PHOTO, type="person")["X-Model"] == "u2netp"
    made = offers.Offer("isnet", "ISNet", Decimal(1), suits=("person",))
    default = offers.Offer("u2netp", "U2-Net, small", Decimal(1))
    monkeypatch.setattr(offers, "offers", lambda: (default, made))
    for kind, name in (("person", "isnet"), ("PERSON", "isnet"), ("car", "u2netp")):
        assert post_removebg(alice, image_file=PHOTO, type=kind)["X-Model"] == name


def test_people_see_a_choice_only_where_there_is_one(db, monkeypatch):
    page, docs = (Client().get(path).content.decode() for path in ("/", "/docs/parameters"))
    assert 'value="isnet" data-factor="2.5"' in page
    assert "<td>2.5</td><td>0.250</td>" in docs
    for value in ("u2netp", "nonsense"):
        monkeypatch.setenv("REMOVAL_MODELS", value)
        page, docs = (Client().get(path).content.decode() for path in ("/", "/docs/parameters"))
        assert 'name="model"' not in page
        assert 'id="models"' not in docs
