"""The OpenAPI document's responses: headers, and errors from the error classes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

from django.conf import settings
from django.utils import translation

from accounts import errors as accounts_errors
from billing import errors as billing_errors
from removal import errors
from removal.engine.options import PARAMETERS, SHADOWS, Parameter
from removal.error_table import PARAMETER_CODES, TABLE

from ..removebg import parameters as removebg_parameters
from ..removebg import views as removebg

Schema = dict[str, Any]
Codes = dict[int, dict[Any, str]]  # by status: each code with its meaning
COUNT = {"type": "string", "pattern": "^[0-9]+$"}
CREDITS = {"type": "string", "pattern": r"^(0|[0-9]+\.[0-9]{3})$"}
SIZE = {"type": "string", "pattern": "^[0-9]+ [0-9]+$"}
BOX = {"type": "string", "pattern": "^[0-9]+ [0-9]+ [0-9]+ [0-9]+$"}
TEXT = {"type": "string"}

# All response headers: form, example, meaning.
HEADERS: dict[str, tuple[Schema, str, str]] = {
    "X-Request-Id": (TEXT, "6f1c0e4a9d5b4c0f8a3e2b1d7c6f5a40", "Name it to support."),
    "Access-Control-Allow-Origin": ({"const": "*"}, "*", "Any site may read this."),
    "Access-Control-Expose-Headers": (
        TEXT,
        "X-Credits-Charged, Retry-After",
        "The headers that scripts may read.",
    ),
    "Cache-Control": (TEXT, "private, no-store", "Responses are private."),
    "Content-Disposition": (TEXT, 'inline; filename="cut-out.png"', "A file name."),
    "X-Credits-Charged": (CREDITS, "0.052", "The credits charged; `0` if nothing was charged."),
    "X-Credits-Calculated": (CREDITS, "0.052", "For tests: the price in production."),
    "X-Credits-Remaining": (CREDITS, "9.948", "The balance afterwards."),
    "X-Input-Orientation": (
        {"type": "string", "enum": [str(number) for number in range(1, 9)]},
        "1",
        "The applied EXIF orientation.",
    ),
    "X-Input-Size": (SIZE, "1200 900", "`width height` of the upright input, before any limit."),
    "X-Result-Size": (SIZE, "1200 900", "`width height` of the result."),
    "X-Input-Foreground": (
        BOX,
        "40 310 520 850",
        "`top left width height` in the upright, full-size input; zeros if no subject was found.",
    ),
    "X-Result-Foreground": (BOX, "40 310 520 850", "The same in the result."),
    "X-Result-Shadow": (
        {"type": "string", "enum": list(SHADOWS)},
        "natural",
        "If a shadow was asked for: that of the result.",
    ),
    "X-Model": (TEXT, "isnet", "The network that made the result."),
    "Idempotency-Replayed": ({"const": "true"}, "true", "This repeats an earlier response."),
    "Deprecation": (TEXT, "@1686614400", "The date since which v1 is deprecated (RFC 9745)."),
    "Link": (TEXT, '</docs/moving#v1>; rel="deprecation"', "The documentation of the deprecation."),
    "WWW-Authenticate": (TEXT, 'Basic realm="API Id and API Secret"', "How to authenticate."),
    "Retry-After": (COUNT, "5", "Seconds to wait before another attempt."),
    "Allow": (TEXT, "POST, OPTIONS", "The methods that are allowed."),
    "X-Type": ({"const": "other"}, "other", "What the picture shows is not classified."),
    "X-Width": (COUNT, "1200", "Of the result."),
    "X-Height": (COUNT, "900", "Of the result."),
    "X-Max-Width": (COUNT, "1200", "Of the result at full size."),
    "X-Max-Height": (COUNT, "900", "Of the result at full size."),
    "X-Foreground-Top": (COUNT, "40", "The foreground's position in the result."),
    "X-Foreground-Left": (COUNT, "310", "The foreground's position in the result."),
    "X-Foreground-Width": (COUNT, "520", "The foreground's position in the result."),
    "X-Foreground-Height": (COUNT, "850", "The foreground's position in the result."),
    "X-RateLimit-Limit": (COUNT, "8", "The number of concurrent requests the key may have."),
    "X-RateLimit-Remaining": (COUNT, "8", "The number still free."),
    "X-RateLimit-Reset": (COUNT, "1767225600", "When that may change: now, in Unix time."),
}
ALWAYS = ("X-Request-Id", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers")
SOMETIMES = {"X-Credits-Calculated", "X-Result-Shadow", "X-Model", "Idempotency-Replayed"}
OF_RESULTS = (
    "Content-Disposition", "Cache-Control", "X-Credits-Charged", "X-Credits-Calculated",
    "X-Credits-Remaining", "X-Input-Orientation", "X-Input-Size", "X-Result-Size",
    "X-Input-Foreground", "X-Result-Foreground", "X-Result-Shadow", "X-Model",
    "Idempotency-Replayed",
)  # fmt: skip
OF_V1 = ("Deprecation", "Link")
OF_REMOVEBG = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
OF_REMOVEBG_RESULTS = (
    "Cache-Control", "X-Type", "X-Width", "X-Height", "X-Max-Width", "X-Max-Height",
    "X-Foreground-Top", "X-Foreground-Left", "X-Foreground-Width", "X-Foreground-Height",
    "X-Credits-Charged", "X-Credits-Calculated", "X-Result-Shadow", "X-Model",
    "Idempotency-Replayed",
)  # fmt: skip
# The headers of each status; one of SOMETIMES_AT is not sent with every code of its status.
AT_STATUS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
SOMETIMES_AT = {(409, "Retry-After")}
REASONS = {
    200: "Done",
    201: "Made",
    204: "Deleted",
    400: "The request is invalid",
    401: "Not authenticated",
    402: "Credits required",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The body arrived too slowly",
    409: "Conflict with an earlier request",
    413: "Too large",
    415: "Content type not supported",
    422: "Idempotency-Key used for something else",
    429: "All slots are taken",
    500: "Our fault; not charged",
    503: "Try again; not charged",
}

PICTURE: Schema = {"schema": {"type": "string", "format": "binary"}}
PICTURES = dict.fromkeys(("image/png", "image/jpeg", "image/webp", "application/zip"), PICTURE)
ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "code", "message"],
            "additionalProperties": False,
            "properties": {
                "status": {"type": "integer", "description": "The HTTP status."},
                "code": {"type": "integer", "description": "Stable; rely on this."},
                "message": {"type": "string", "minLength": 1, "description": "May change."},
            },
        }
    },
}
REMOVEBG_ERROR: Schema = {
    "type": "object",
    "required": ["errors"],
    "additionalProperties": False,
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["title", "code", "detail"],
                "additionalProperties": False,
                "properties": {
                    "title": {"type": "string", "minLength": 1},
                    "code": {"type": "string", "minLength": 1, "description": "Stable."},
                    "detail": {"type": "string"},
                },
            },
        }
    },
}
# Errors of remove.bg's endpoint only, those of batches, and those that no call of a documented
# path and method can get.
REMOVEBG_ALONE = {errors.NothingFound, errors.UnreadableBackground}
BATCHES_ALONE = range(1160, 1170)
ELSEWHERE = {errors.NoSuchPath, errors.MethodNotAllowed, errors.ClientGone}
# Errors that any request may get.
OF_ANY = {
    errors.NotAuthenticated, errors.MalformedBody, errors.HttpsRequired, errors.TooManyBytes,
    errors.InternalError, errors.EngineUnavailable, errors.BodyTooSlow,
}  # fmt: skip


def headers(names: Iterable[str], status: int = 200) -> Schema:
    """References to the components; a header that is not always sent is written out."""
    added = (*names, *ALWAYS, *AT_STATUS.get(status, ()))
    return {name: _header_reference(name, status) for name in added}


def _header_reference(name: str, status: int) -> Schema:
    if (status, name) in SOMETIMES_AT:
        return header(name) | {"required": False}
    return {"$ref": f"#/components/headers/{name}"}


def header(name: str) -> Schema:
    form, example, meaning = HEADERS[name]
    required = name not in SOMETIMES
    return {"description": meaning, "required": required, "schema": form, "example": example}


def v2_codes(
    only: Set[type[errors.RemovalError]] | None = None,
    parameters: Iterable[Parameter] = PARAMETERS,
) -> Codes:
    """Each status of v2 with its codes. only: these errors instead of those of a removal;
    parameters: those that can be refused."""
    kinds = [error for error in _tree() if (error in only if only else _is_of_removals(error))]
    found: Codes = defaultdict(dict)
    for error in kinds:
        if error not in REMOVEBG_ALONE:
            found[error.status] = _meanings(error, parameters) | found[error.status]
    return found


def removebg_codes(only: Set[type[errors.RemovalError]] | None = None) -> Codes:
    """The same in remove.bg's format."""
    found: Codes = defaultdict(dict)
    for error in _tree():
        if not (error in only if only else _is_of_removals(error)):
            continue
        row = TABLE[error.code]
        name = error.removebg or row.removebg
        if name:
            found[row.removebg_status or row.status].setdefault(name, _title(row.code))
    if only is None:
        found[400] |= dict(_refusals())
    return found


def _is_of_removals(error: type[errors.RemovalError]) -> bool:
    return error not in ELSEWHERE and error.code not in BATCHES_ALONE


def _refusals() -> Iterator[tuple[str, str]]:
    for name in (removebg.NO_SOURCE, removebg.MANY_SOURCES, removebg.MANY_BACKGROUNDS):
        yield name, name.replace("_", " ").capitalize()
    for row in removebg_parameters.PARAMETERS:
        yield f"invalid_{row.name}", f"Allowed: {row.allowed}"
    for name in removebg.REGIONS.values():
        yield name, name.replace("_", " ").capitalize()


def _tree() -> Iterator[type[errors.RemovalError]]:
    """All error classes without the base; parents before their children."""
    level: list[type[errors.RemovalError]] = [errors.RemovalError]
    while level:
        children = [child for error in level for child in error.__subclasses__()]
        level = [child for child in children if child.__module__ == errors.__name__]
        yield from level


def _meanings(
    error: type[errors.RemovalError], parameters: Iterable[Parameter] = PARAMETERS
) -> dict[int, str]:
    """The codes of an error."""
    if error is errors.InvalidParameter:
        return _titles(PARAMETER_CODES[row.name] for row in parameters)
    if error is errors.NotAuthenticated:
        refusals = accounts_errors.AuthenticationError.__subclasses__()
        return _titles(child.code for child in refusals)
    if error is errors.PaymentRequired:
        reasons = billing_errors.CannotSpend.__subclasses__()
        return _titles(child.code for child in reasons)
    return _titles([error.code])


def _titles(codes: Iterable[int]) -> dict[int, str]:
    return {code: _title(code) for code in codes}


def _title(code: int) -> str:
    """In English, whatever the language of the request that reads the document first."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(TABLE[code].title)


def object_of(properties: dict[str, Schema]) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(name: str, example: Any = None) -> Schema:
    media: Schema = {"schema": reference(name)}
    return {"application/json": media | ({"example": example} if example is not None else {})}


def v2_error(status: int, code: int, meaning: str, codes: Iterable[int]) -> Schema:
    example = {"error": {"status": status, "code": code, "message": f"{meaning}."}}
    content = json_of("Error", example)
    own = {"status": {"const": status}, "code": {"enum": sorted(codes)}}
    narrowed = {"properties": {"error": {"properties": own}}}
    content["application/json"]["schema"] = {"allOf": [reference("Error"), narrowed]}
    return content


def removebg_error(status: int, code: str, meaning: str, codes: Iterable[str]) -> Schema:
    example = {"errors": [{"title": meaning, "code": code, "detail": ""}]}
    content = json_of("RemoveBgError", example)
    own = {"items": {"properties": {"code": {"enum": sorted(codes)}}}}
    narrowed = {"properties": {"errors": own}}
    content["application/json"]["schema"] = {"allOf": [reference("RemoveBgError"), narrowed]}
    return content


def answers(
    result: Schema,
    codes: Codes,
    error: Callable[..., Schema],
    of_result: Iterable[str],
    of_all: Iterable[str] = (),
    status: int = 200,
) -> dict[str, Schema]:
    """Responses by status: the result, and each error with its codes."""
    found = {
        str(status): {
            "description": REASONS[status],
            "headers": headers((*of_result, *of_all)),
            "content": result,
        }
    }
    for refused, meanings in sorted(codes.items()):
        first = next(iter(meanings))
        listed = "; ".join(f"`{code}` {meaning}" for code, meaning in sorted(meanings.items()))
        found[str(refused)] = {
            "description": f"{REASONS[refused]}. {listed}.",
            "headers": headers(of_all, refused),
            "content": error(refused, first, meanings[first], meanings),
        }
    return found
