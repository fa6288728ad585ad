"""Recipes in the account: whose they are, how many, what may stand in them."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import close_account
from removal import recipes
from removal.models import OwnRecipe
from removal.page.own_recipes import MOST

pytestmark = pytest.mark.django_db
SQUARE = {"background.color": "#FFFFFF", "result.target_size": "800 800"}


def person(email="alice@example.com"):
    client = Client()
    client.force_login(User.objects.create_user(email, "correct horse battery"))
    return client


def ask(client, method="post", **body):
    send = getattr(client, method)
    return send(reverse("own_recipes"), json.dumps(body), content_type="application/json")


def test_a_recipe_is_saved_replaced_shown_and_deleted():
    alice = person()
    ask(alice, name="Shop", parameters={"output.format": "webp"})
    saved = ask(alice, name=" Shop ", parameters=SQUARE)
    assert saved.json() == {"recipes": [{"name": "Shop", "parameters": SQUARE}]}
    page = alice.get("/").content.decode()
    assert '"name": "Shop"' in page
    assert all(f'"name": "{name}"' in page for name in recipes.NAMES)
    assert ask(alice, "delete", name="Shop").json() == {"recipes": []}


def test_nobody_sees_or_deletes_another_s():
    alice, bob = person(), person("bob@example.com")
    ask(alice, name="Shop", parameters=SQUARE)
    assert ask(bob, "delete", name="Shop").json() == {"recipes": []}
    assert '"name": "Shop"' not in bob.get("/").content.decode()
    assert OwnRecipe.objects.count() == 1
    assert ask(Client(), name="Shop", parameters=SQUARE).status_code == 401


def test_there_is_a_most_and_they_end_with_the_account():
    alice = person()
    for number in range(MOST):
        assert ask(alice, name=str(number), parameters={}).status_code == 200
    refused = ask(alice, name="one more", parameters={})
    assert refused.status_code == 400
    assert str(MOST) in refused.json()["error"]["message"]
    assert ask(alice, name="0", parameters=SQUARE).status_code == 200  # in place of an old one
    assert SQUARE["result.target_size"] in alice.get(reverse("export")).getvalue().decode()
    close_account(User.objects.get())
    assert not OwnRecipe.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[]",
        b'{"name": "", "parameters": {}}',
        b'{"name": "%s", "parameters": {}}' % (b"x" * 41),
        b'{"name": "a\\u0000b", "parameters": {}}',
        b'{"name": "\\ud800", "parameters": {}}',
        b'{"name": "a", "parameters": []}',
        b'{"name": "a", "parameters": {"test": "true"}}',
        b'{"name": "a", "parameters": {"image.url": "https://example.com/"}}',
        b'{"name": "a", "parameters": {"output.format": "exe"}}',
        b'{"name": "a", "parameters": {"output.format": 5}}',
        b'{"name": "a", "parameters": {"result.margin": "%s"}}' % (b" " * 81),
        b'{"name": "a", "parameters": {}, "x": "%s"}' % (b"x" * 5000),
        b"[" * 4000,
    ],
)
def test_what_makes_no_sense_is_refused(body):
    answer = person().post(reverse("own_recipes"), body, content_type="application/json")
    assert answer.status_code in (400, 413)
    assert answer.json()["error"]["message"]
    assert not OwnRecipe.objects.exists()
