"""The OpenAPI document's operations, one for each view, made of bodies and answers."""

from typing import Any

from rest_framework.views import APIView

from .. import v1, views
from ..reading import V2_PARAMETERS
from ..removebg import views as removebg
from . import batches as schema_batches
from .answers import (
    ERROR,
    HEADERS,
    OF_ANY,
    OF_REMOVEBG,
    OF_REMOVEBG_RESULTS,
    OF_RESULTS,
    OF_V1,
    PICTURES,
    REMOVEBG_ERROR,
    Schema,
    answers,
    header,
    json_of,
    object_of,
    removebg_codes,
    removebg_error,
    v2_codes,
    v2_error,
)
from .bodies import idempotency_key, query_test, removebg_body, v2_body

BASIC, X_API_KEY = "basicAuth", "xApiKey"
SECURITY_SCHEMES: dict[str, Schema] = {
    BASIC: {
        "type": "http",
        "scheme": "basic",
        "description": "The API Id is the user, the API Secret the password.",
    },
    X_API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "`ID:SECRET`, as key creation shows it, or the Base64 of that.",
    },
}
ACCOUNT: Schema = {
    "type": "object",
    "required": ["creditPack", "state", "useBefore", "credits"],
    "additionalProperties": False,
    "properties": {
        "creditPack": {"type": ["string", "null"], "description": "The latest credit pack bought."},
        "state": {
            "type": "string",
            "enum": ["active", "dormant"],
            "description": "Dormant after useBefore; the next purchase reactivates it.",
        },
        "useBefore": {
            "type": ["string", "null"],
            "format": "date",
            "description": "The last day on which the credits can be used; null: no limit.",
        },
        "credits": {"type": "number", "description": "The spendable balance."},
    },
    "examples": [
        {"creditPack": "Hundred", "state": "active", "useBefore": "2027-01-31", "credits": 9.948}
    ],
}


NUMBER = {"type": "number"}
CREDITS_LEFT = {"subscription": NUMBER, "payg": NUMBER, "enterprise": NUMBER, "total": NUMBER}
API_FACTS = {"free_calls": {"type": "integer"}, "sizes": {"type": "string"}}
ATTRIBUTES = object_of({"credits": object_of(CREDITS_LEFT), "api": object_of(API_FACTS)})
REMOVEBG_ACCOUNT = object_of({"data": object_of({"attributes": ATTRIBUTES})})
SIDES = ("foreground_top", "foreground_left", "foreground_width", "foreground_height")
RESULT = {"result_b64": {"type": "string", "contentEncoding": "base64"}}
REMOVEBG_RESULT = object_of(
    {"data": object_of(RESULT | {side: {"type": "integer", "minimum": 0} for side in SIDES})}
)
SCHEMAS = {
    "Error": ERROR,
    "RemoveBgError": REMOVEBG_ERROR,
    "Account": ACCOUNT,
    "RemoveBgAccount": REMOVEBG_ACCOUNT,
    "RemoveBgResult": REMOVEBG_RESULT,
    **schema_batches.SCHEMAS,
}


def _removal(name: str, summary: str, tag: str, body: Schema, **rest: Any) -> Schema:
    return {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [query_test(), idempotency_key()],
        "requestBody": body,
        **rest,
    }


def _account(name: str, tag: str, **rest: Any) -> Schema:
    summary = "The credit balance"
    return {"operationId": name, "summary": summary, "tags": [tag], **rest}


V2_DESCRIPTION = (
    "Send exactly one picture; the response is the cut-out, described by its headers. Empty "
    "parameters count as absent, unknown ones are ignored; words may be in any case, and "
    "booleans also 1/0, yes/no, on/off, t/f."
)
OPERATIONS: dict[tuple[type[APIView], str], Schema] = {
    **schema_batches.OPERATIONS,
    (views.RemoveBackground, "POST"): _removal(
        "remove_background",
        "Remove the background of a picture",
        "v2",
        v2_body(),
        description=V2_DESCRIPTION,
        security=[{BASIC: []}],
        responses=answers(PICTURES, v2_codes(parameters=V2_PARAMETERS), v2_error, OF_RESULTS),
    ),
    (views.Account, "GET"): _account(
        "account",
        "v2",
        security=[{BASIC: []}],
        responses=answers(json_of("Account"), v2_codes(OF_ANY), v2_error, ("Cache-Control",)),
    ),
    (v1.RemoveBackgroundV1, "POST"): _removal(
        "remove_background_v1",
        "Remove the background of a picture, in the older dialect",
        "v1",
        v2_body(v1.NAMES),
        description="v2 with camelCase names; v2's names work too, but camelCase wins.",
        deprecated=True,
        security=[{BASIC: []}],
        responses=answers(PICTURES, v2_codes(), v2_error, OF_RESULTS, OF_V1),
    ),
    (removebg.RemoveBg, "POST"): _removal(
        "removebg",
        "Remove the background of a picture, for clients of remove.bg",
        "remove.bg",
        removebg_body(),
        description=(
            "With `Accept: application/json` the picture comes as Base64 in JSON. "
            "`type` chooses the network where one on offer is made for such pictures; `type_level` "
            "and unknown parameters are ignored."
        ),
        security=[{X_API_KEY: []}],
        responses=answers(
            PICTURES | json_of("RemoveBgResult"),
            removebg_codes(),
            removebg_error,
            OF_REMOVEBG_RESULTS,
            OF_REMOVEBG,
        ),
    ),
    (removebg.Account, "GET"): _account(
        "removebg_account",
        "remove.bg",
        security=[{X_API_KEY: []}],
        responses=answers(
            json_of("RemoveBgAccount"),
            removebg_codes(OF_ANY),
            removebg_error,
            ("Cache-Control",),
            OF_REMOVEBG,
        ),
    ),
}
COMPONENTS = {
    "headers": {name: header(name) for name in HEADERS},
    "schemas": SCHEMAS,
    "securitySchemes": SECURITY_SCHEMES,
}
