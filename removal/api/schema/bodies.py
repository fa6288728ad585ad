"""The OpenAPI document's requests, generated from the endpoints' parameter tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from removal import engine
from removal.engine import options as v2
from removal.engine.hints import MAX_DATA_URL, parse_hints
from removal.engine.networks.catalog import DEFAULT

from .. import reading
from ..removebg import parameters as removebg_parameters
from ..removebg import views as removebg

Schema = dict[str, Any]
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
JSON = "application/json"
BOOLEAN: Schema = {"type": "boolean"}
SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
POINT: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
STROKE: Schema = {
    "type": "object",
    "properties": {
        "points": {"type": "array", "items": POINT, "minItems": 1},
        "radius": {"type": ["number", "null"], "exclusiveMinimum": 0},
    },
    "required": ["points"],
    "additionalProperties": False,
}
MARKS: Schema = {"type": "array", "items": {"anyOf": [POINT, STROKE]}}
# An object in JSON bodies; elsewhere its text, or a PNG as a data URL, or a file with either.
HINTS: Schema = {
    "type": ["string", "object"],
    "maxLength": MAX_DATA_URL,
    "properties": {"keep": MARKS, "remove": MARKS},
    "additionalProperties": False,
}
# The readers of the engine's table that are neither ranges nor lists of words.
FORMS: dict[object, Schema] = {
    v2.parse_bool: BOOLEAN,
    v2.parse_colour: {"type": "string", "pattern": f"^{v2.COLOUR}$"},
    v2.parse_margin: {"type": "string", "pattern": f"^(?:{v2.MARGIN})$"},
    parse_hints: HINTS,
    v2.parse_model: {"type": "string", "pattern": f"^{v2.MODEL}$"},
    v2.parse_target_size: {"type": "string", "pattern": f"^{v2.TARGET_SIZE}$"},
}
SOURCE_FORMS: dict[str, Schema] = {
    "file": {
        "type": "string",
        "format": "binary",
        "description": "JPEG, PNG, GIF, BMP, TIFF, WebP, HEIC or AVIF; 32,000,000 pixels at most.",
    },
    "base64": {
        "type": "string",
        "minLength": 1,
        "maxLength": reading.MAX_BASE64,
        "description": "The picture as Base64, with or without a `data:` prefix.",
    },
    "large base64": {
        "type": "string",
        "minLength": 1,
        "description": "The picture as Base64, with or without a `data:` prefix, of as many bytes "
        "as a file may have.",
    },
    "url": {
        "type": "string",
        "format": "uri",
        "description": "The server fetches it: http or https at a public address.",
    },
}
# An example for each parameter that is neither a list of words nor a boolean.
EXAMPLES = {
    "max_pixels": 25_000_000,
    "background.color": "#FFFFFF",
    "result.margin": "5% 10px",
    "result.target_size": "800 600",
    "result.shadow_opacity": 60,
    "output.jpeg_quality": 75,
    "model": DEFAULT,
    "hints": '{"keep": [[120, 80]], "remove": [{"points": [[10, 10], [60, 12]], "radius": 4}]}',
    "crop_margin": "10px 5%",
    "bg_color": "81d4fa",
    "roi": "0% 0% 100% 100%",
    "scale": "80%",
    "position": "50% 50%",
}
# An 8 x 8 picture, so that the example can be sent unchanged.
TINY = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAGklEQVR42mN49uEXVsRAQOKEjQYc0V0CEwEAJjWTMWgM"
    "BXQAAAAASUVORK5CYII="
)
Sources = tuple[tuple[str, str], ...]  # name and form of the fields for the picture
V2_SOURCES: Sources = tuple(zip(reading.SOURCES, ("file", "base64", "url"), strict=True))
REMOVEBG_SOURCES: Sources = tuple(
    zip(removebg.SOURCES, ("file", "large base64", "url"), strict=True)
)
REMOVEBG_BACKGROUNDS: Sources = tuple(zip(removebg.BACKGROUNDS, ("file", "url"), strict=True))


def v2_body(names: Mapping[str, str] | None = None) -> Schema:
    """The request body of v2, or of a dialect with other parameter names."""
    called = names or {}
    table = reading.V2_PARAMETERS if names is None else engine.PARAMETERS
    properties = {called.get(row.name, row.name): v2_property(row) for row in table}
    return _body(V2_SOURCES, (), properties)


def removebg_body() -> Schema:
    properties = {row.name: removebg_property(row) for row in removebg_parameters.PARAMETERS}
    return _body(REMOVEBG_SOURCES, REMOVEBG_BACKGROUNDS, properties)


def v2_property(row: v2.Parameter) -> Schema:
    form = FORMS.get(row.parse)
    if isinstance(row.parse, v2.Choice):
        form = {"type": "string", "enum": list(row.parse.words)}
    elif isinstance(row.parse, v2.Whole):
        form = {"type": "integer", "minimum": row.parse.low, "maximum": row.parse.high}
    assert form is not None, f"{row.name}: a reader that FORMS does not know"
    text = f"Allowed: {row.allowed}. Default: {row.default}."
    return form | {"description": text} | _example(row.name)


def removebg_property(row: removebg_parameters.Parameter) -> Schema:
    form = BOOLEAN
    if row.words:
        form = {"type": "string", "enum": list(row.words)}
    elif row.pattern:
        form = {"type": "string", "pattern": f"^(?:{row.pattern})$"}
    return form | {"description": f"Allowed: {row.allowed}."} | _example(row.name)


def query_test() -> Schema:
    return {
        "name": "test",
        "in": "query",
        "description": "The same as `test` in the body; true in either place makes it a test.",
        "schema": BOOLEAN,
    }


def idempotency_key() -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request safe to repeat: it is processed and charged once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "example": "3f1c9e0a-order-1042",
    }


def _body(sources: Sources, backgrounds: Sources, properties: dict[str, Schema]) -> Schema:
    """All three content types; only multipart has files."""
    texts = [(name, form) for name, form in sources if form != "file"]
    other_texts = [(name, form) for name, form in backgrounds if form != "file"]
    without_files = _media(texts, other_texts, properties)
    base64, url = (name for name, _ in texts)
    by_url = {url: "https://example.com/photo.jpg", "test": True}
    flat = without_files["schema"] | {"additionalProperties": SCALAR}
    return {
        "required": True,
        "content": {
            MULTIPART: _media(sources, backgrounds, properties),
            URLENCODED: without_files | {"example": by_url},
            JSON: {"schema": flat, "example": {base64: TINY, "test": True}},
        },
    }


def _media(
    sources: Iterable[tuple[str, str]],
    backgrounds: Iterable[tuple[str, str]],
    properties: dict[str, Schema],
) -> Schema:
    pictures = {name: SOURCE_FORMS[form] for name, form in (*sources, *backgrounds)}
    one_source = [{"required": [name]} for name, _ in sources]
    schema = {"type": "object", "properties": pictures | properties, "oneOf": one_source}
    return {"schema": schema}


def _example(name: str) -> Schema:
    return {"examples": [EXAMPLES[name]]} if name in EXAMPLES else {}
