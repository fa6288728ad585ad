"""The door to the storage: the same behaviour with a folder and with a bucket."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.awsrequest import AWSResponse  # type: ignore[import-untyped]
from django.core.files.storage import storages
from django.utils import timezone

from removal import storage
from removal.storage import StorageFailed

BYTES = "application/octet-stream"


@pytest.fixture(params=["folder", "bucket"])
def either(request, settings, tmp_path):
    """Each storage in turn, empty."""
    if request.param == "bucket":
        return request.getfixturevalue("on_s3")
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture(params=["full", "away", "no such bucket"])
def failing(request, settings, tmp_path):
    """A storage that takes nothing."""
    if request.param == "full":
        backend = {"BACKEND": "tests.storage.full.FullFolder", "OPTIONS": {"location": tmp_path}}
    elif request.param == "away":
        backend = request.getfixturevalue("s3").options(endpoint_url="http://127.0.0.1:9")
    else:
        backend = request.getfixturevalue("s3").options(bucket_name="another")
    settings.STORAGES = settings.STORAGES | {"default": backend}


def test_a_fault_of_our_own_is_not_called_the_storages(either, monkeypatch):
    """It is answered by 500 and logged with its traceback, like any other."""

    def faulty(*arguments):
        raise TypeError("a fault of ours")

    backend = type(storages["default"])
    for name in ("_save", "_open", "size", "delete_all", "entries", "probe"):
        monkeypatch.setattr(backend, name, faulty)
    monkeypatch.setattr(backend, "exists", lambda self, name: True)
    for act in (
        lambda: storage.put("things/one", b"1"),
        lambda: storage.get("things/one"),
        lambda: storage.size_of("things/one"),
        lambda: storage.delete("things/one"),
        lambda: storage.old_files("things", timezone.now()),
        storage.probe,
    ):
        with pytest.raises(TypeError):
            act()


def test_what_is_put_can_be_got_until_it_is_deleted(either):
    storage.put("things/one", b"1")
    assert storage.get("things/one") == b"1"
    storage.delete("things/one", "things/never-there")
    with pytest.raises(FileNotFoundError):
        storage.get("things/one")


def test_a_second_writing_replaces_the_first(either):
    for content in (b"a long first version", b"2"):
        storage.put("things/one", content)
    assert storage.get("things/one") == b"2"


def test_old_files_are_those_of_one_folder_written_before_a_time(either):
    assert storage.old_files("things", timezone.now()) == set()
    for name in ("things/one", "things/two", "others/three"):
        storage.put(name, b"1")
    later = timezone.now() + timedelta(minutes=1)
    assert storage.old_files("things", later) == {"things/one", "things/two"}
    assert storage.old_files("things", later - timedelta(hours=1)) == set()


def test_a_thousand_and_one_files_are_deleted_in_two_requests(on_s3):
    names = [f"things/{number}" for number in range(1001)]
    storage.put(names[0], b"first")
    storage.put(names[-1], b"last")
    storage.delete(*names)
    assert on_s3.files() == []


def test_files_of_the_folder_are_readable_by_the_service_alone(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    storage.put("things/one", b"1")
    assert (tmp_path / "media" / "things" / "one").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "media" / "things").stat().st_mode & 0o077 == 0


def test_failures_are_of_one_kind(failing):
    with pytest.raises(StorageFailed):
        storage.put("things/one", b"1")
    with pytest.raises(StorageFailed):
        storage.probe()


def test_a_storage_that_answers_passes_the_probe(either):
    storage.probe()


def test_a_full_folder_keeps_no_part_of_a_file(settings, tmp_path):
    backend = {"BACKEND": "tests.storage.full.FullFolder", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    with pytest.raises(StorageFailed, match="No space left"):
        storage.put("things/one", b"1" * 100_000)
    assert list((tmp_path / "things").iterdir()) == []


def test_discarding_leaves_for_later_what_cannot_be_deleted_now(s3, settings, caplog):
    away = s3.options(endpoint_url="http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {"default": away}
    storage.discard("things/one")
    assert "deleted later" in caplog.text


def test_files_that_a_bucket_kept_are_not_taken_for_deleted(on_s3):
    """It says so in an answer of 200: for want of a right, or because a file is locked."""
    refusal = "<Error><Key>one</Key><Code>AccessDenied</Code><Message>No</Message></Error>"
    body = f"<DeleteResult>{refusal}</DeleteResult>".encode()

    def answer(**request: Any) -> AWSResponse:
        return AWSResponse(request["request"].url, 200, {}, _Raw(body))

    bucket: Any = storages["default"]
    events = bucket.connection.meta.client.meta.events
    events.register("before-send.s3.DeleteObjects", answer)
    try:
        with pytest.raises(StorageFailed, match="AccessDenied"):
            storage.delete("things/one")
    finally:
        events.unregister("before-send.s3.DeleteObjects", answer)


class _Raw(BytesIO):
    """An answer's body, as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def test_a_signed_address_opens_the_file_as_what_we_say_it_is(on_s3, settings):
    storage.put("things/one.html", b"<script>")
    assert storage.signed_address("things/one.html", 60, BYTES) == ""  # unless it is wanted
    settings.S3_SIGNED_ORIGIN = on_s3.endpoint
    address = storage.signed_address("things/one.html", 60, BYTES)
    assert address.startswith(on_s3.endpoint + "/")
    assert "X-Amz-Expires=60" in address
    assert "moto-moto" not in address
    with urlopen(address) as answer:
        assert answer.headers["Content-Type"] == BYTES
        assert answer.read() == b"<script>"
