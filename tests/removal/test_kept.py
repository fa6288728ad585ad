"""What is kept of the page's pictures: for whom, how long, and that it is really gone after."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from accounts.models import User
from accounts.services import close_account, suspend
from billing import ledger
from removal import limits
from removal.execution import inline
from removal.models import KeptPicture, Removal
from removal.page import kept
from tests import pictures

pytestmark = pytest.mark.django_db(transaction=True)
COFFEE = Path(__file__).parent.parent.parent / "static" / "img" / "samples" / "coffee.jpg"
PRICE = Decimal("0.062")  # of 600 x 400


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    limits.forget_visitors()


def person(email="alice@example.com", amount="1"):
    user = User.objects.create_user(email, "correct horse battery")
    ledger.grant(user, Decimal(amount), "for the test")
    return user


def browser(user=None):
    client = Client()
    if user:
        client.force_login(user)
    client.get("/")
    return client


def send(client, picture="", photo=None, **fields):
    fields |= {"picture": picture} if picture else {}
    file = io.BytesIO(photo or COFFEE.read_bytes())
    file.name = "coffee.jpg"
    return client.post("/removals", {"image": file, "output.format": "delta_png", **fields})


def listed(client):
    return json.loads(client.get("/removals").content)["pictures"]


def files():
    try:
        return default_storage.listdir(kept.FOLDER)[1]
    except FileNotFoundError:
        return []


def new_id():
    return uuid4().hex


def test_the_visitors_cookie_is_out_of_scripts_and_other_sites_reach():
    cookie = browser().cookies[kept.COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_result_and_original_come_again_as_they_were():
    client, picture = browser(), new_id()
    first = send(client, picture)
    assert first.status_code == 200
    (told,) = listed(client)
    assert (told["id"], told["name"], told["state"]) == (picture, "coffee.jpg", "done")
    again = client.get(f"/removals/{picture}/result")
    assert again.getvalue() == first.content
    assert again["X-Result-Size"] == first["X-Result-Size"]
    original = client.get(f"/removals/{picture}/original")
    assert original.getvalue() == COFFEE.read_bytes()
    assert original["Content-Type"] == "application/octet-stream"


def test_resolution_that_was_asked_for_is_told():
    client = browser(person())
    for resolution in ("full", "free"):
        send(client, new_id(), resolution=resolution)
    assert [told["full"] for told in listed(client)] == [True, False]


def test_strangers_find_nothing():
    client, picture = browser(), new_id()
    send(client, picture)
    for stranger in (browser(), Client(), browser(person("mallory@example.com"))):
        assert listed(stranger) == []
        for end in ("", "/original", "/result", "/touched-up"):
            assert stranger.get(f"/removals/{picture}{end}").status_code == 404
        assert stranger.delete(f"/removals/{picture}").status_code == 204
    assert len(listed(client)) == 1


def test_pictures_of_an_account_are_seen_wherever_it_is_signed_in():
    user, picture = person(), new_id()
    send(browser(user), picture)
    assert [told["id"] for told in listed(browser(user))] == [picture]


def test_pictures_of_an_account_are_hidden_after_signing_out():
    client = browser(person())
    send(client, new_id())
    client.logout()
    assert listed(client) == []


def test_deleted_pictures_are_gone_at_once():
    client, picture = browser(), new_id()
    send(client, picture)
    assert len(files()) == 2
    client.delete(f"/removals/{picture}")
    assert (listed(client), files()) == ([], [])


def test_all_are_deleted_together():
    client, other = browser(), browser()
    for owner in (client, client, other):
        send(owner, new_id())
    client.delete("/removals")
    assert (len(listed(client)), len(listed(other)), len(files())) == (0, 1, 2)


def test_closing_the_account_deletes_its_pictures():
    user = person()
    send(browser(user), new_id())
    close_account(user)
    assert (KeptPicture.objects.count(), files()) == (0, [])


def test_export_names_what_is_kept():
    client = browser(person())
    send(client, new_id())
    (told,) = json.loads(client.get("/dashboard/my-data.json").getvalue())["pictures"]
    assert told["name"] == "coffee.jpg"


def test_pictures_go_when_their_time_is_over():
    client = browser()
    send(client, new_id())
    call_command("purge_kept_pictures")
    assert len(listed(client)) == 1
    KeptPicture.objects.update(expires_at=timezone.now())
    assert listed(client) == []
    call_command("purge_kept_pictures")
    assert (KeptPicture.objects.count(), files()) == (0, [])


def test_files_without_a_row_are_swept():
    client = browser()
    send(client, new_id())
    KeptPicture.objects.all()._raw_delete("default")  # as if the process died between the two
    assert kept.sweep(timezone.now() + timedelta(minutes=11)) == 2
    assert files() == []


def test_nothing_is_kept_where_the_operator_wants_it_so(settings):
    settings.REMOVAL_PAGE_KEEP_SECONDS = 0
    client = browser()
    assert send(client, new_id()).status_code == 200
    assert (KeptPicture.objects.count(), files()) == (0, [])
    assert kept.COOKIE not in client.cookies


def test_without_room_the_work_is_done_all_the_same(settings):
    settings.REMOVAL_PAGE_KEEP_BYTES = 1000
    client = browser()
    assert send(client, new_id()).status_code == 200
    assert (KeptPicture.objects.count(), files()) == (0, [])


def test_failed_work_keeps_reason_and_original(monkeypatch):
    def fail(job):
        raise RuntimeError("out of paint")

    monkeypatch.setattr(inline, "run", fail)
    monkeypatch.setenv("REMOVAL_MODELS", "u2netp,isnet")
    client, picture = browser(), new_id()
    assert send(client, picture, model="isnet").status_code == 500
    (told,) = listed(client)
    assert (told["state"], told["model"], told["message"]) == (
        "failed",
        "isnet",
        "Something went wrong on our side. Please try again.",
    )
    monkeypatch.undo()
    assert send(client, picture).status_code == 200
    assert [told["state"] for told in listed(client)] == ["done"]
    assert len(files()) == 2


@pytest.mark.parametrize("photo", [b"\xff\xd8\xff no photo", COFFEE.read_bytes()[:9000]])
def test_unreadable_pictures_leave_nothing(photo):
    client = browser()
    assert send(client, new_id(), photo=photo).status_code == 400
    assert (listed(client), files()) == ([], [])


def test_work_of_a_process_that_died_is_told_as_failed(monkeypatch):
    client, picture = browser(), new_id()
    send(client, picture)
    row = KeptPicture.objects.filter(picture_id=picture)
    row.update(state="working")
    assert [told["state"] for told in listed(client)] == ["working"]
    row.update(created_at=timezone.now() - timedelta(minutes=5))
    (told,) = listed(client)
    assert (told["state"], "stopped" in told["message"]) == ("failed", True)
    assert send(client, picture).status_code == 200


def test_a_second_attempt_takes_over_and_only_one_is_charged(monkeypatch):
    user, picture = person(), new_id()
    client, run = browser(user), inline.run
    answers = []

    def interrupted(job):
        monkeypatch.undo()
        answers.append(send(client, picture, resolution="full"))
        return run(job)

    monkeypatch.setattr(inline, "run", interrupted)
    answers.append(send(client, picture, resolution="full"))
    assert [answer.status_code for answer in answers] == [200, 503]
    assert ledger.state(user).credits == 1 - PRICE
    assert (len(listed(client)), len(files())) == (1, 2)


def test_an_id_that_is_somebody_elses_is_refused():
    picture = new_id()
    send(browser(), picture)
    assert send(browser(), picture).status_code == 409


def test_full_resolution_is_charged_and_noted():
    user = person()
    answer = send(browser(user), new_id(), resolution="full")
    assert answer["X-Credits-Charged"] == str(PRICE)
    assert answer["X-Credits-Remaining"] == str(1 - PRICE)
    assert ledger.state(user).credits == 1 - PRICE
    row = Removal.objects.get()
    assert (row.via, row.user, row.credits_charged) == ("page", user, PRICE)
    answer.close()
    assert user.credit_account.holds.get().state == "delivered"


def test_full_resolution_is_not_shrunk(settings):
    settings.REMOVAL_ANONYMOUS_MAX_PIXELS = 10_000
    client = browser(person())
    fields = {"output.format": "png"}
    assert send(client, **fields)["X-Result-Size"] == "122 81"
    assert send(client, resolution="full", **fields)["X-Result-Size"] == "600 400"


def test_who_has_been_signed_out_is_told_so_instead_of_getting_a_smaller_result():
    client, picture = browser(person()), new_id()
    client.logout()
    answer = send(client, picture, resolution="full")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 1001)
    assert "Sign in again" in answer.json()["error"]["message"]
    assert "WWW-Authenticate" not in answer
    assert listed(client) == []


def test_a_lost_answer_is_repeated_without_a_second_charge():
    user, picture = person(), new_id()
    client = browser(user)
    first = send(client, picture, resolution="full")
    second = send(client, picture, resolution="full")
    assert second.getvalue() == first.content
    assert second["X-Credits-Charged"] == str(PRICE)
    assert ledger.state(user).credits == 1 - PRICE


def test_nothing_found_is_free():
    plain = io.BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(plain, "PNG")
    user = person()
    answer = send(browser(user), new_id(), plain.getvalue(), resolution="full")
    assert answer.status_code == 200
    assert answer["X-Result-Foreground"] == "0 0 0 0"
    assert ledger.state(user).credits == 1


def test_too_few_credits_are_refused_in_words_for_people():
    answer = send(browser(person(amount="0.01")), new_id(), resolution="full")
    assert answer.status_code == 402
    assert "credits" in answer.json()["error"]["message"]


def test_deleting_while_it_is_worked_on_costs_nothing(monkeypatch):
    run = inline.run

    def deleted_meanwhile(job):
        result = run(job)
        client.delete("/removals")
        return result

    monkeypatch.setattr(inline, "run", deleted_meanwhile)
    user = person()
    client = browser(user)
    assert send(client, new_id(), resolution="full").status_code == 503
    assert ledger.state(user).credits == 1
    assert (KeptPicture.objects.count(), files()) == (0, [])


def test_suspended_accounts_cannot_spend():
    user = person()
    suspend(user)
    answer = send(browser(user), new_id(), resolution="full")
    assert answer.json()["error"]["code"] == 1003
    assert "WWW-Authenticate" not in answer  # the browser's own window would come up


def test_touched_up_cut_outs_are_kept_beside_the_result():
    client, picture = browser(), new_id()
    first = send(client, picture)
    png = io.BytesIO()
    Image.new("RGBA", (600, 400)).save(png, "PNG")
    assert client.put(f"/removals/{picture}/result", png.getvalue()).status_code == 204
    assert listed(client)[0]["touchedUp"]
    touched_up = client.get(f"/removals/{picture}/touched-up").getvalue()
    assert (pictures.pixels(touched_up) == pictures.pixels(png.getvalue())).all()
    assert client.get(f"/removals/{picture}/result").getvalue() == first.content
    client.delete("/removals")
    assert files() == []


def test_what_a_touched_up_cut_out_holds_besides_its_pixels_is_not_kept():
    client, picture = browser(), new_id()
    send(client, picture)
    png, hidden = io.BytesIO(), PngInfo()
    hidden.add_text("comment", "x" * 1_000_000)
    Image.new("RGBA", (600, 400)).save(png, "PNG", pnginfo=hidden)
    assert client.put(f"/removals/{picture}/result", png.getvalue()).status_code == 204
    assert len(client.get(f"/removals/{picture}/touched-up").getvalue()) < 10_000


def test_a_touched_up_cut_out_has_as_many_bytes_as_its_pixels_may_need():
    client, picture = browser(), new_id()
    send(client, picture)
    noise = np.random.default_rng(1).integers(0, 256, (400, 600, 4), dtype=np.uint8)
    largest = io.BytesIO()
    Image.fromarray(noise).save(largest, "PNG", compress_level=0)
    path = f"/removals/{picture}/result"
    assert client.put(path, largest.getvalue()).status_code == 204
    more = largest.getvalue() + bytes(2_000_000)
    assert client.put(path, more).status_code == 413


def test_only_a_png_of_the_results_size_is_taken_as_touched_up():
    client, picture = browser(), new_id()
    send(client, picture)
    png = io.BytesIO()
    Image.new("RGBA", (601, 400)).save(png, "PNG")
    for content in (b"", b"<script>", COFFEE.read_bytes(), png.getvalue()):
        assert client.put(f"/removals/{picture}/result", content).status_code == 400
    assert not listed(client)[0]["touchedUp"]
