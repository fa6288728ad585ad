"""The OpenAPI document's operations on batches."""

from collections.abc import Set
from typing import Any

from rest_framework.views import APIView

from removal import errors
from removal.models import Batch, BatchPicture

from .. import batches, reading
from .answers import (
    OF_ANY,
    OF_RESULTS,
    PICTURES,
    Schema,
    answers,
    json_of,
    object_of,
    reference,
    v2_codes,
    v2_error,
)
from .bodies import (
    BOOLEAN,
    JSON,
    MULTIPART,
    SCALAR,
    URLENCODED,
    idempotency_key,
    query_test,
    v2_property,
)

Errors = Set[type[errors.RemovalError]]
FILE: Schema = {"type": "string", "format": "binary"}
UPLOADS: dict[str, Schema] = {
    "image": {"type": "array", "items": FILE, "description": "Pictures; the part may be repeated."},
    "zip": FILE | {"description": "A ZIP file of pictures."},
}
OWN: dict[str, Schema] = {
    "keep_open": BOOLEAN | {"description": "Keep the batch open. Default: false."},
    "webhook.url": {
        "type": "string",
        "format": "uri",
        "description": "Receives events, signed as in Standard Webhooks.",
    },
}
NUMBER: Schema = {"type": "number", "minimum": 0}
COUNT: Schema = {"type": "integer", "minimum": 0}
PROGRESS: dict[str, Schema] = {
    "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "state": {"type": "string", "enum": Batch.State.values},
    "createdAt": {"type": "string", "format": "date-time"},
    "keptUntil": {"type": "string", "format": "date-time"},
    "pictures": object_of(dict.fromkeys(("total", *BatchPicture.State.values), COUNT)),
    "progress": NUMBER | {"maximum": 1, "description": "The share of finished pictures."},
    "creditsCharged": NUMBER,
}
ITEM: Schema = {
    "type": "object",
    "required": ["number", "name", "state", "requestId"],
    "additionalProperties": False,
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "name": {"type": "string"},
        "state": {"type": "string", "enum": BatchPicture.State.values},
        "requestId": {"type": ["string", "null"]},
        "creditsCharged": NUMBER,
        "resultSize": {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2},
        "error": object_of(
            {
                "status": {"type": "integer"},
                "code": {"type": "integer"},
                "message": {"type": "string"},
            }
        ),
    },
}
WEBHOOK: Schema = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "url": {"type": "string"},
        "secret": {
            "type": "string",
            "pattern": "^whsec_[A-Za-z0-9+/]+=*$",
            "description": "Signs the webhooks; shown only to the API key that created the batch.",
        },
    },
}
BATCH: Schema = {
    "type": "object",
    "required": [*PROGRESS, "items"],
    "additionalProperties": False,
    "properties": PROGRESS
    | {"items": {"type": "array", "items": reference("BatchItem")}, "webhook": WEBHOOK},
}
SCHEMAS = {
    "Batch": BATCH,
    "BatchItem": ITEM,
    "BatchProgress": object_of(PROGRESS),
    "Batches": object_of({"batches": {"type": "array", "items": reference("BatchProgress")}}),
}
OF_JSON = ("Cache-Control",)
OF_MADE = (*OF_JSON, "Idempotency-Replayed")
ID: Schema = {
    "name": "batch_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "example": "6f1c0e4a9d5b4c0f8a3e2b1d7c6f5a40",
}
PICTURE_NUMBER: Schema = {
    "name": "number",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9]{1,6}$"},
    "example": "1",
}
OF_ONE: Errors = OF_ANY | {errors.NoSuchPath}
OF_UPLOADS: Errors = OF_ANY | {
    errors.SlowDown,
    errors.InvalidKey,
    errors.KeyInProgress,
    errors.ResultNotKept,
    errors.KeyReused,
    errors.UnsupportedContentType,
    errors.UnreadableImage,
    errors.ImageNotAFile,
    errors.WrongImageCount,
    errors.UnreadableZip,
    errors.BatchTooLarge,
}
OF_NEW: Errors = OF_UPLOADS | {
    errors.InvalidParameter,
    errors.InvalidWebhook,
    errors.TooManyBatches,
}
OF_MORE: Errors = OF_UPLOADS | {errors.NoSuchPath, errors.BatchClosed}


def _body(files: dict[str, Schema], texts: dict[str, Schema]) -> Schema:
    with_files: Schema = {"schema": {"type": "object", "properties": files | texts}}
    content = {MULTIPART: with_files}
    if texts:  # a batch may be created before its pictures are added
        form: Schema = {"type": "object", "properties": texts}
        content |= {
            URLENCODED: {"schema": form},
            JSON: {"schema": form | {"additionalProperties": SCALAR}},
        }
    return {"content": content}


def _operation(
    name: str, summary: str, result: Schema, kinds: Errors, status: int = 200, **rest: Any
) -> Schema:
    of_result: tuple[str, ...] = OF_RESULTS if result == PICTURES else OF_JSON
    if status == 201:
        of_result = OF_MADE
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["batches"],
        "security": [{"basicAuth": []}],
        "responses": answers(
            result, v2_codes(kinds, reading.BATCH_PARAMETERS), v2_error, of_result, status=status
        ),
        **rest,
    }


def _deleted() -> Schema:
    found = _operation("delete_batch", "Delete a batch", {}, OF_ONE, 204, parameters=[ID])
    del found["responses"]["204"]["content"]
    del found["responses"]["204"]["headers"]["Cache-Control"]
    return found


ALL_TEXTS = OWN | {row.name: v2_property(row) for row in reading.BATCH_PARAMETERS}
OPERATIONS: dict[tuple[type[APIView], str], Schema] = {
    (batches.Batches, "POST"): _operation(
        "create_batch",
        "Create a batch of pictures with the same parameters",
        json_of("Batch"),
        OF_NEW,
        201,
        parameters=[query_test(), idempotency_key()],
        requestBody=_body(UPLOADS, ALL_TEXTS),
    ),
    (batches.Batches, "GET"): _operation(
        "list_batches", "The newest batches", json_of("Batches"), OF_ANY
    ),
    (batches.OneBatch, "GET"): _operation(
        "batch", "The state of a batch", json_of("Batch"), OF_ONE, parameters=[ID]
    ),
    (batches.OneBatch, "DELETE"): _deleted(),
    (batches.BatchPictures, "POST"): _operation(
        "add_pictures",
        "Add pictures to an open batch",
        json_of("Batch"),
        OF_MORE,
        201,
        parameters=[ID, idempotency_key()],
        requestBody=_body(UPLOADS, {}),
    ),
    (batches.CloseBatch, "POST"): _operation(
        "close_batch",
        "Close a batch to further pictures",
        json_of("Batch"),
        OF_ONE | {errors.BatchClosed},
        parameters=[ID],
    ),
    (batches.CancelBatch, "POST"): _operation(
        "cancel_batch", "Cancel a batch", json_of("Batch"), OF_ONE, parameters=[ID]
    ),
    (batches.BatchResult, "GET"): _operation(
        "batch_result",
        "One result of a batch",
        PICTURES,
        OF_ONE,
        parameters=[ID, PICTURE_NUMBER],
    ),
    (batches.BatchArchive, "GET"): _operation(
        "batch_results",
        "All results of a batch",
        {"application/zip": PICTURES["application/zip"]},
        OF_ONE,
        parameters=[ID],
    ),
}
