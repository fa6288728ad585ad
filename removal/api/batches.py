"""The HTTP endpoints of batches, an addition of this service; see docs/api.md."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts import webhook_secrets
from accounts.models import ApiKey
from removal import capacity, engine, idempotency, offers, outcomes, services
from removal.batches import archive, intake, register
from removal.errors import (
    ImageNotAFile,
    InvalidWebhook,
    MalformedBody,
    NoSuchPath,
    ResultNotKept,
    WrongImageCount,
)
from removal.models import Batch, BatchPicture
from removal.outbound import fetch

from . import reading, repeats
from .headers import described, stored_response
from .views import Endpoint

LISTED = 50
FILES = ("image", "zip")
PRIVATE = {"Cache-Control": "private, no-store"}


class Batches(Endpoint):
    """POST and GET /api/v2/batches"""

    def post(self, request: Request) -> HttpResponse:
        reading.check_body(request, files=2)
        fields = reading.with_query_test(reading.read_fields(request), request)
        fields = reading.with_recipe(fields)
        options, webhook, keep_open = _checked(fields)
        _check_files(request, fields, needed=not keep_open)
        key = _key_of(request)

        def make(remember: repeats.Remember) -> None:
            register.create(
                key,
                _parameters(fields),
                _uploads(request, settings.REMOVAL_BATCH_PICTURES),
                webhook_url=webhook,
                keep_open=keep_open,
                note=lambda batch: remember(_body(batch)),
            )

        asked = [idempotency.chosen_options(options), webhook, keep_open, key.test_only]
        return _made_once(request, asked, make)

    def get(self, request: Request) -> HttpResponse:
        newest = list(register.visible_to(_key_of(request))[:LISTED])
        return _json({"batches": register.progress_of(newest)})


class OneBatch(Endpoint):
    """GET and DELETE /api/v2/batches/ID"""

    def get(self, request: Request, batch_id: str) -> HttpResponse:
        key = _key_of(request)
        return _answer(key, register.find(key, batch_id))

    def delete(self, request: Request, batch_id: str) -> HttpResponse:
        register.delete(register.find(_key_of(request), batch_id))
        return HttpResponse(status=204)


class BatchPictures(Endpoint):
    """POST /api/v2/batches/ID/pictures"""

    def post(self, request: Request, batch_id: str) -> HttpResponse:
        reading.check_body(request, files=2)
        batch = register.find_to_add(_key_of(request), batch_id)
        _check_files(request, reading.read_fields(request))

        def add(remember: repeats.Remember) -> None:
            uploads = _uploads(request, register.room(batch))
            register.add(batch, uploads, note=lambda batch: remember(_body(batch)))

        return _made_once(request, [], add)


class CloseBatch(Endpoint):
    """POST /api/v2/batches/ID/close"""

    def post(self, request: Request, batch_id: str) -> HttpResponse:
        batch = register.find(_key_of(request), batch_id)
        register.close(batch)
        return _answer(_key_of(request), batch)


class CancelBatch(Endpoint):
    """POST /api/v2/batches/ID/cancel"""

    def post(self, request: Request, batch_id: str) -> HttpResponse:
        batch = register.find(_key_of(request), batch_id)
        register.cancel(batch)
        return _answer(_key_of(request), batch)


class BatchResult(Endpoint):
    """GET /api/v2/batches/ID/pictures/N"""

    def get(self, request: Request, batch_id: str, number: str) -> HttpResponseBase:
        batch = register.find(_key_of(request), batch_id)
        picture = batch.pictures.filter(number=number, state=BatchPicture.State.DONE).first()
        if picture is None:
            raise NoSuchPath(request.path)
        response = _result_of(batch, picture)
        response["X-Request-Id"] = picture.request_id
        return response


class BatchArchive(Endpoint):
    """GET /api/v2/batches/ID/results.zip"""

    def get(self, request: Request, batch_id: str) -> StreamingHttpResponse:
        batch = register.find(_key_of(request), batch_id)
        name = f"cut-outs-{batch.batch_id[:8]}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'} | PRIVATE
        return StreamingHttpResponse(
            archive.of(batch), content_type="application/zip", headers=headers
        )


def _key_of(request: Request) -> ApiKey:
    key = request.auth
    assert isinstance(key, ApiKey)
    return key


def _made_once(
    request: Request, asked: list[Any], act: Callable[[repeats.Remember], None]
) -> HttpResponse:
    """201 with the result of `act`; for a repeated Idempotency-Key, with the earlier result.

    asked: the request besides the path and the files, for the fingerprint.
    """
    key, path = _key_of(request), request.path.rstrip("/")
    with capacity.shared().taking_in(services.claimant_of(key)):
        files = [_mark(file) for name in FILES for file in reading.files_of(request, name)]
        body, headers = repeats.once(request, idempotency.fingerprint(path, files, asked), act)
    batch = register.visible_to(key).filter(batch_id=body["id"]).first()
    if batch is None:  # deleted meanwhile
        raise ResultNotKept
    return _json(body | _webhook(key, batch), status=201, headers=headers)


def _mark(file: reading.File) -> list[str]:
    """Name and digest of an upload, which is rewound afterwards."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return [str(file.name), digest.hexdigest()]


def _checked(fields: reading.Fields) -> tuple[engine.Options, str, bool]:
    """The parameters for the pictures, and those of the batch itself."""
    options = engine.parse_options(fields)
    offers.chosen(options.model)  # refused now, not with each picture
    try:
        keep_open = engine.parse_bool("keep_open", fields.get("keep_open", "") or "false")
    except engine.InvalidOption as error:
        raise MalformedBody(error.message) from error
    url = fields.get("webhook.url", "").strip()
    try:
        return options, (str(fetch.checked(url)) if url else ""), keep_open
    except fetch.FetchError as error:
        raise InvalidWebhook(f"webhook.url: {error}") from error


def _check_files(request: Request, fields: reading.Fields, needed: bool = True) -> None:
    """What was meant as a picture and came as text would be missing without a word."""
    for name in FILES:
        if fields.get(name, ""):
            raise ImageNotAFile(name)
    if needed and not any(reading.files_of(request, name) for name in FILES):
        raise WrongImageCount("Send pictures: files in 'image', or a ZIP file in 'zip'.")


def _parameters(fields: reading.Fields) -> reading.Fields:
    known = {parameter.name for parameter in engine.PARAMETERS}
    return {name: text for name, text in fields.items() if name in known and text.strip()}


def _uploads(request: Request, room: int) -> Iterator[intake.Upload]:
    for file in reading.files_of(request, "image"):
        yield intake.Upload(str(file.name or "picture"), reading.file_bytes(file))
    for file in reading.files_of(request, "zip"):
        yield from intake.pictures_of_zip(file.read(), room)


def _result_of(batch: Batch, picture: BatchPicture) -> HttpResponseBase:
    options = engine.parse_options(batch.fields)
    outcome = outcomes.from_json(picture.outcome, b"", options, picture.hold, picture.request_id)
    for name in register.result_names(picture):
        with suppress(FileNotFoundError):
            stored = stored_response(name, outcome.result.media_type, "cut-out")
            return described(stored, outcome)
    raise NoSuchPath(f"/api/v2/batches/{batch.batch_id}/pictures/{picture.number}")


def _answer(key: ApiKey, batch: Batch) -> HttpResponse:
    batch.refresh_from_db()
    return _json(_body(batch) | _webhook(key, batch))


def _body(batch: Batch) -> repeats.Body:
    items = [register.as_dict(picture) for picture in batch.pictures.all()]
    return register.progress(batch) | {"items": items}


def _webhook(key: ApiKey, batch: Batch) -> repeats.Body:
    """Add the webhook secret outside of the stored body, and only for the key that created the
    batch."""
    if not batch.webhook_url:
        return {}
    secrets = webhook_secrets.signing(key) if key.pk == batch.api_key_id else []
    return {"webhook": {"url": batch.webhook_url} | ({"secret": secrets[0]} if secrets else {})}


def _json(
    body: repeats.Body, status: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    return JsonResponse(body, status=status, headers=PRIVATE | dict(headers or {}))
