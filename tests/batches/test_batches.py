"""Batches as their owner meets them: sent, worked on, charged, asked for, deleted."""

import base64
import io
import json
import uuid
import zipfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import services as accounts
from billing.models import Hold, LedgerEntry
from pixian_site import maintenance
from removal import capacity, services, storage
from removal.batches import dispatcher, intake, loop, register, runner
from removal.errors import (
    BatchTooLarge,
    ClientGone,
    RemovalError,
    SlowDown,
    StartedTooLate,
    TooManyBytes,
    UnreadableZip,
)
from removal.models import Batch, BatchPicture, Removal
from tests.api.conftest import new_caller

from .conftest import BATCHES, delete, get, stored, work_through, zip_of

pytestmark = pytest.mark.django_db


def sent(caller, **fields):
    answer = caller.post(BATCHES, **fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_zip_becomes_cut_outs_that_are_charged_one_by_one(alice, portrait):
    batch = sent(alice, zip=zip_of(one__jpg=portrait, two__jpg=portrait))
    assert batch["state"] == "closed"
    assert batch["pictures"]["waiting"] == 2
    assert alice.credits == 10
    assert work_through() == 2
    done = get(alice, f"{BATCHES}/{batch['id']}").json()
    assert (done["state"], done["progress"]) == ("done", 1.0)
    assert [item["name"] for item in done["items"]] == ["one.jpg", "two.jpg"]
    charged = Decimal(str(done["creditsCharged"]))
    assert charged > 0
    assert alice.credits == 10 - charged
    assert Removal.objects.filter(via=Removal.Via.BATCH, status=200).count() == 2


def test_a_result_is_what_the_single_request_gives(alice, portrait):
    single = alice.post(image=portrait, output__format="png")
    batch = sent(alice, image=portrait, output__format="png")
    work_through()
    result = get(alice, f"{BATCHES}/{batch['id']}/pictures/1")
    assert result.status_code == 200
    assert result.getvalue() == single.content
    for name in ("X-Input-Size", "X-Result-Size", "X-Credits-Charged", "Content-Type"):
        assert result[name] == single[name]


def test_all_results_come_as_one_zip(alice, portrait):
    batch = sent(alice, zip=zip_of(**{"a/b__jpg": portrait, "a/c__jpg": b"no picture"}))
    work_through()
    answer = get(alice, f"{BATCHES}/{batch['id']}/results.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.namelist() == ["0001-b.png"]
    assert archive.testzip() is None


def test_a_failed_picture_says_why_and_costs_nothing(alice):
    batch = sent(alice, image=b"no picture")
    work_through()
    done = get(alice, f"{BATCHES}/{batch['id']}").json()
    assert done["state"] == "done"
    assert done["items"][0]["error"]["code"] == 1006
    assert done["creditsCharged"] == 0
    assert alice.credits == 10


def test_an_open_batch_takes_more_until_it_is_closed(alice, portrait):
    batch = sent(alice, keep_open="true")
    path = f"{BATCHES}/{batch['id']}"
    assert alice.post(f"{path}/pictures", image=portrait).status_code == 201
    work_through()
    assert get(alice, path).json()["state"] == "open"
    assert alice.post(f"{path}/close").json()["state"] == "done"
    refused = alice.post(f"{path}/pictures", image=portrait)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, 1160)


def test_cancelling_keeps_what_is_done_and_begins_nothing_more(
    alice, portrait, tmp_path, django_capture_on_commit_callbacks
):
    batch = sent(alice, zip=zip_of(a__jpg=portrait, b__jpg=portrait))
    assert runner.work_on_next()
    spent = 10 - alice.credits
    with django_capture_on_commit_callbacks(execute=True):
        answer = alice.post(f"{BATCHES}/{batch['id']}/cancel").json()
    assert answer["state"] == "cancelled"
    assert [item["state"] for item in answer["items"]] == ["done", "cancelled"]
    assert work_through() == 0
    assert 10 - alice.credits == spent
    assert get(alice, f"{BATCHES}/{batch['id']}/pictures/1").status_code == 200
    assert [name.rpartition("-")[2] for name in stored(tmp_path)] == ["result"]


def test_a_stored_result_is_delivered_whatever_dies_next(alice, portrait):
    """Else it would be refunded, and is there all the same."""
    sent(alice, image=portrait)
    runner._work_on(runner.claim())
    assert BatchPicture.objects.get().hold.state == Hold.State.DELIVERED


def test_cancelled_while_at_work_is_not_charged(alice, portrait):
    batch = sent(alice, image=portrait)
    picture = runner.claim()
    register.cancel(Batch.objects.get(batch_id=batch["id"]))
    with pytest.raises(ClientGone):
        runner._work_on(picture)
    assert alice.credits == 10
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()


def test_deleted_while_at_work_is_not_charged(alice, portrait):
    batch = sent(alice, image=portrait)
    picture = runner.claim()
    assert delete(alice, f"{BATCHES}/{batch['id']}").status_code == 204
    with pytest.raises(ClientGone):
        runner._work_on(picture)
    assert alice.credits == 10
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()


def test_deleting_takes_every_file_along(
    alice, portrait, tmp_path, django_capture_on_commit_callbacks
):
    batch = sent(alice, image=portrait)
    work_through()
    assert stored(tmp_path)
    with django_capture_on_commit_callbacks(execute=True):
        assert delete(alice, f"{BATCHES}/{batch['id']}").status_code == 204
    assert stored(tmp_path) == []
    assert get(alice, f"{BATCHES}/{batch['id']}").status_code == 404


def test_what_is_over_is_purged(alice, portrait, tmp_path, django_capture_on_commit_callbacks):
    sent(alice, image=portrait)
    work_through()
    with django_capture_on_commit_callbacks(execute=True):
        Batch.objects.update(expires_at=timezone.now())
        maintenance.purge()
    assert stored(tmp_path) == []


def test_others_see_nothing_of_it(alice, portrait):
    batch = sent(alice, image=portrait)
    work_through()
    eve = new_caller("eve@example.com", "10")
    path = f"{BATCHES}/{batch['id']}"
    assert get(eve, BATCHES).json() == {"batches": []}
    for address in (path, f"{path}/pictures/1", f"{path}/results.zip"):
        assert get(eve, address).status_code == 404
    assert eve.post(f"{path}/cancel").status_code == 404
    assert delete(eve, path).status_code == 404
    assert eve.post(f"{path}/pictures", image=portrait).status_code == 404


def test_a_killed_worker_s_picture_is_taken_up_again_and_charged_once(alice, portrait):
    batch = sent(alice, image=portrait)
    assert runner.claim() is not None  # and its process is gone
    assert not runner.work_on_next()
    BatchPicture.objects.update(due_at=timezone.now())  # its lease has run out
    assert runner.work_on_next()
    done = get(alice, f"{BATCHES}/{batch['id']}").json()
    assert done["state"] == "done"
    assert LedgerEntry.objects.filter(kind="settle").count() == 1
    assert 10 - alice.credits == Decimal(str(done["creditsCharged"]))


def test_one_who_was_overtaken_does_not_charge(alice, portrait):
    sent(alice, image=portrait)
    slow = runner.claim()
    BatchPicture.objects.update(due_at=timezone.now())
    assert runner.work_on_next()
    spent = 10 - alice.credits
    with pytest.raises(ClientGone):
        runner._work_on(slow)
    assert 10 - alice.credits == spent


@pytest.mark.parametrize(("part", "refusal"), [("admit", SlowDown), ("slot", StartedTooLate)])
def test_a_busy_service_is_waited_for(alice, portrait, monkeypatch, part, refusal):
    """However long: it takes none of the attempts that a picture has."""
    batch = sent(alice, image=portrait)

    def busy(*args, **kwargs):
        raise refusal

    monkeypatch.setattr(capacity.shared(), part, busy)
    assert runner.work_on_next()
    monkeypatch.undo()
    picture = BatchPicture.objects.get()
    assert (picture.state, picture.attempts) == ("waiting", 0)
    BatchPicture.objects.update(due_at=timezone.now())
    assert runner.work_on_next()
    assert get(alice, f"{BATCHES}/{batch['id']}").json()["state"] == "done"


def test_an_account_without_room_is_left_alone_for_a_while(alice, portrait, monkeypatch):
    """Else a thousand pictures would be claimed and put back again and again."""
    sent(alice, zip=zip_of(a__jpg=portrait, b__jpg=portrait))

    def busy(*args, **kwargs):
        raise SlowDown

    monkeypatch.setattr(capacity.shared(), "admit", busy)
    monkeypatch.setattr(loop, "IDLE_SECONDS", 0)
    dispatching = dispatcher.Dispatcher()
    assert dispatching.begin_next()
    assert dispatching.begin_next()
    put_off = BatchPicture.objects.filter(due_at__gt=timezone.now())
    assert [(picture.number, picture.attempts) for picture in put_off] == [(1, 0)]


def test_results_of_earlier_releases_are_found_and_kept(alice, portrait, tmp_path):
    batch = sent(alice, image=portrait)
    work_through()
    (name,) = stored(tmp_path)
    folder, picture = tmp_path / "media" / "batch-pictures", BatchPicture.objects.get()
    (folder / name).rename(folder / f"{picture.token}-result")
    assert get(alice, f"{BATCHES}/{batch['id']}/pictures/1").status_code == 200
    assert register.sweep(timezone.now() + timedelta(hours=1)) == 0


def test_a_picture_that_kills_its_worker_is_given_up(alice, portrait):
    sent(alice, image=portrait)
    for _ in range(runner.MOST_ATTEMPTS):
        assert runner.claim() is not None
        BatchPicture.objects.update(due_at=timezone.now())
    assert runner.work_on_next()
    assert BatchPicture.objects.get().error_code == 1500
    assert alice.credits == 10


def test_a_revoked_key_s_batch_stops(alice, portrait):
    sent(alice, image=portrait)
    accounts.revoke(alice.key)
    work_through()
    assert BatchPicture.objects.get().error_code == 1002
    assert alice.credits == 10


def test_a_replaced_key_s_batch_goes_on_as_long_as_the_key(alice, portrait):
    sent(alice, image=portrait)
    accounts.rotate(alice.key, timedelta(days=1))
    work_through()
    assert BatchPicture.objects.get().state == BatchPicture.State.DONE
    assert alice.credits < 10


def test_one_picture_is_never_claimed_by_two(alice, portrait, monkeypatch):
    """Another runner claims between our look at the picture and our claim of it."""
    sent(alice, image=portrait)
    others = []

    def uuid4():
        monkeypatch.undo()
        others.append(runner.claim())
        return uuid.uuid4()

    monkeypatch.setattr("uuid.uuid4", uuid4)
    assert runner.claim() is None
    assert [picture.attempts for picture in others] == [1]
    assert BatchPicture.objects.get().attempts == 1


def test_batches_take_turns(alice, portrait):
    first = sent(alice, zip=zip_of(a__jpg=portrait, b__jpg=portrait))
    second = sent(alice, image=portrait)
    taken = [runner.claim() for _ in range(3)]
    assert [picture.batch.batch_id for picture in taken] == [first["id"], second["id"], first["id"]]


def test_accounts_take_turns_whatever_the_number_of_their_batches(alice, portrait):
    greedy = [sent(alice, zip=zip_of(a__jpg=portrait, b__jpg=portrait))["id"] for _ in range(5)]
    late = sent(new_caller("late@example.com", "10"), zip=zip_of(a=portrait, b=portrait))["id"]
    taken = [runner.claim().batch.batch_id for _ in range(4)]
    assert [batch == late for batch in taken].count(True) == 2
    assert set(taken) - {late} < set(greedy)


def test_a_list_of_batches_costs_as_many_queries_as_one(
    alice, portrait, django_assert_max_num_queries
):
    batches = [sent(alice, image=portrait) for _ in range(4)]
    work_through()
    get(alice, BATCHES)  # notes that the key was used
    with django_assert_max_num_queries(3):
        listed = get(alice, BATCHES).json()["batches"]
    assert [batch["id"] for batch in listed] == [batch["id"] for batch in reversed(batches)]
    assert all(batch["creditsCharged"] == 0.052 for batch in listed)


def test_one_account_cannot_have_every_thread_take_in_its_batches(alice, portrait):
    shared = capacity.shared()
    claimant = services.claimant_of(alice.key)
    with ExitStack() as uploads:
        for _ in range(shared.limits.fetches_per_account):
            uploads.enter_context(shared.taking_in(claimant))
        refused = alice.post(BATCHES, image=portrait)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, 1015)
        assert refused["Retry-After"]
        sent(new_caller("bob@example.com", "10"), image=portrait)
        assert alice.post(image=portrait).status_code == 200
    sent(alice, image=portrait)


def test_test_batches_are_free_and_marked(alice, portrait):
    batch = sent(alice, image=portrait, test="true")
    work_through()
    result = get(alice, f"{BATCHES}/{batch['id']}/pictures/1")
    assert result["X-Credits-Charged"] == "0"
    assert alice.credits == 10


def another_key_of(caller, **options):
    key, secret = accounts.issue_api_key(caller.user, **options)
    pair = base64.b64encode(f"{key.public_id}:{secret}".encode()).decode()
    return replace(caller, key=key, authorization=f"Basic {pair}")


def test_a_test_only_key_neither_sees_nor_adds_to_what_is_paid(alice, portrait):
    batch = sent(alice, keep_open="true", image=portrait)
    path = f"{BATCHES}/{batch['id']}"
    work_through()
    paid = alice.credits
    tester = another_key_of(alice, test_only=True)
    assert get(tester, BATCHES).json() == {"batches": []}
    for answer in (
        tester.post(f"{path}/pictures", image=portrait),
        tester.post(f"{path}/cancel"),
        get(tester, path),
        get(tester, f"{path}/pictures/1"),
        get(tester, f"{path}/results.zip"),
        delete(tester, path),
    ):
        assert answer.status_code == 404
    work_through()
    assert alice.credits == paid


def test_a_test_only_key_has_batches_of_its_own(alice, portrait):
    tester = another_key_of(alice, test_only=True)
    batch = sent(tester, image=portrait)
    work_through()
    assert get(tester, f"{BATCHES}/{batch['id']}/pictures/1").status_code == 200
    assert get(alice, f"{BATCHES}/{batch['id']}/pictures/1").status_code == 200
    assert alice.credits == 10


def test_a_key_with_a_monthly_limit_cannot_spend_through_another_key(alice, portrait):
    limited = another_key_of(alice, monthly_limit=Decimal("0.001"))
    others = sent(alice, keep_open="true")
    own = sent(limited, keep_open="true")
    add = f"{BATCHES}/{{}}/pictures"
    assert limited.post(add.format(others["id"]), image=portrait).status_code == 404
    assert limited.post(add.format(own["id"]), image=portrait).status_code == 201
    work_through()
    assert BatchPicture.objects.get().error_code == 1011
    assert alice.credits == 10


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"zip": b"no zip"}, 400, 1162),
        ({"zip": zip_of()}, 400, 1162),
        ({"zip": zip_of(big=b"\0" * 5_000_000)}, 400, 1162),
        ({"webhook__url": "http://127.1/"}, 400, 1163),
        ({"webhook__url": "ftp://example.com/"}, 400, 1163),
        ({"output__format": "exe"}, 400, 1108),
        ({"keep_open": "perhaps"}, 400, 1120),
    ],
)
def test_refusals(alice, fields, status, code, settings):
    answer = alice.post(BATCHES, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not Batch.objects.exists()


def test_too_many_pictures_are_refused_and_leave_nothing(alice, portrait, settings, tmp_path):
    settings.REMOVAL_BATCH_PICTURES = 1
    answer = alice.post(BATCHES, zip=zip_of(a__jpg=portrait, b__jpg=portrait))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, 1161)
    answer = alice.post(BATCHES, image=portrait, zip=zip_of(b__jpg=portrait))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, 1161)
    assert not Batch.objects.exists()
    assert stored(tmp_path) == []


def test_too_many_batches_are_refused(alice, settings):
    settings.REMOVAL_BATCHES_PER_ACCOUNT = 1
    sent(alice, keep_open="true")
    answer = alice.post(BATCHES, keep_open="true")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, 1164)
    assert answer["Retry-After"] == "60"


def test_a_file_in_a_zip_is_bounded_like_any_other(settings):
    settings.REMOVAL_MAX_UPLOAD_BYTES = 1000
    with pytest.raises(TooManyBytes, match="too large"):
        list(intake.pictures_of_zip(zip_of(a__jpg=bytes(range(256)) * 8), 10))


def test_a_zip_that_lies_about_sizes_is_refused():
    honest = zip_of(a__jpg=bytes(range(256)) * 8)
    lying = honest.replace((2048).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(UnreadableZip):
        list(intake.pictures_of_zip(lying, 10))


def test_a_zip_of_a_million_entries_is_refused_before_they_are_read(monkeypatch):
    """Reading them took ten seconds and half a gigabyte."""
    monkeypatch.setattr(zipfile, "ZipFile", None)
    entry = intake.PART + bytes(42) + b"a"
    with pytest.raises(BatchTooLarge):
        list(intake.pictures_of_zip(entry * 1_000_000, 10))


def named_in_no_encoding() -> bytes:
    return zip_of(**{"é__jpg": b"x"}).replace("é".encode(), b"\xff\xfe")


def compressed_rarely() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.jpg", b"x" * 1000)
    return buffer.getvalue()


@pytest.mark.parametrize("make", [named_in_no_encoding, compressed_rarely])
def test_a_zip_that_can_t_be_read_is_the_sender_s_to_mend(alice, make):
    answer = alice.post(BATCHES, zip=make())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 1162)
    assert not Batch.objects.exists()


def test_no_broken_zip_is_our_fault():
    """Each byte of a small one changed, and each end cut off."""
    good = zip_of(a__jpg=b"content of a", b__jpg=b"content of b" * 9)
    broken = [good[:end] for end in range(len(good))]
    broken += [good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :] for at in range(len(good))]
    for content in broken:
        with suppress(RemovalError):
            list(intake.pictures_of_zip(content, 10))


def test_files_that_lost_their_row_are_swept(tmp_path, monkeypatch):
    storage.put("batch-pictures/abandoned-result", b"x")
    later = timezone.now() + storage.LEFT_BEHIND * 2
    assert register.sweep(later) == 1
    assert stored(tmp_path) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 1005),
        ({"image.base64": "AAAA"}, 1005),
        ({"image": "as text"}, 1016),
        ({"zip": "as text"}, 1016),
        ({"zip": "as text", "keep_open": "true"}, 1016),
    ],
)
def test_pictures_that_came_as_text_or_not_at_all_are_missed(alice, fields, code):
    answer = alice.send(json.dumps(fields), "application/json", path=BATCHES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert not Batch.objects.exists()
