"""Reads multipart, urlencoded and JSON bodies into a validated order."""

import base64
import binascii
import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework import exceptions
from rest_framework.request import Request

from removal import engine, errors, recipes
from removal.engine import hints
from removal.engine.options import Choice, Parameter
from removal.services import Order, Source, Url

from .errors import from_bad_request

MAX_BASE64 = 1_048_576  # characters as sent
FIELDS_ALLOWANCE = 1024 * 1024  # bytes allowed in a multipart body besides the image
# A text body with a Base64 file may be this many times as long as the file: for Base64 itself,
# line breaks and URL-encoding.
LARGE_TEXT_SHARE = 2
_large_bodies = threading.BoundedSemaphore(2)
SOURCES = ("image", "image.base64", "image.url")
PICTURE_FILES = {"image", "zip", "image_file", "bg_image_file"}  # everything else is text
# A preset of the others, which it is expanded to before they are read: no field of Options.
RECIPE = Parameter("recipe", "", Choice(recipes.NAMES), ", ".join(recipes.NAMES), "none")
BATCH_PARAMETERS = (RECIPE, *engine.PARAMETERS)
V2_PARAMETERS = (*BATCH_PARAMETERS, engine.HINTS)
Fields = dict[str, str]
File: TypeAlias = "UploadedFile[bytes]"


def check_body(request: Request, files: int = 1) -> None:
    """Refuse by the headers alone, before the body is read."""
    coding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if coding not in ("", "identity"):
        raise errors.CompressedBody(coding)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit():
        return
    if (request.content_type or "").lower().startswith("multipart/"):
        _check_parts(int(length), files)
    else:
        _check_text(int(length), _large_texts(request))


def _check_parts(length: int, files: int) -> None:
    image = settings.REMOVAL_MAX_UPLOAD_BYTES
    limit = files * image + FIELDS_ALLOWANCE
    if length > limit:
        raise errors.TooManyBytes(
            f"The body has {length:,} bytes; it may have {limit:,}, and an image in it {image:,}."
        )


def _check_text(length: int, large_texts: Collection[str]) -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if large_texts:
        limit = LARGE_TEXT_SHARE * settings.REMOVAL_MAX_UPLOAD_BYTES
    if length > limit:
        raise errors.TooManyBytes(
            f"The body has {length:,} bytes; one without files may have {limit:,}. Send larger "
            "pictures as a file, in multipart/form-data."
        )


def _large_texts(request: Request) -> Collection[str]:
    """The texts of this endpoint that may be as long as the largest file in Base64."""
    names: Collection[str] = getattr(request.parser_context["view"], "large_texts", ())
    return names


@contextmanager
def memory_for(request: Request) -> Iterator[None]:
    """Wait for memory for the texts of a large body: they need several times their length."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        yield
        return
    with _large_bodies:
        yield


def forget_texts(request: Request) -> None:
    """Free the parsed body, which REST framework would keep for the whole request."""
    if isinstance(request.data, dict):
        dict.clear(request.data)  # also for an immutable QueryDict


def read_order(
    request: Request,
    names: Mapping[str, str] | None = None,
    parameters: tuple[Parameter, ...] = engine.PARAMETERS,
) -> Order:
    """The picture and the options of a request; raises RemovalError or InvalidOption.

    names: a dialect's names of v2's parameters; the dialect's name wins if both are sent.
    """
    fields = read_fields(request)
    files = files_of(request, "image")
    own = {name: theirs for name, theirs in (names or {}).items() if fields.get(theirs, "").strip()}
    fields |= {name: fields[theirs] for name, theirs in own.items()}
    try:
        fields = with_query_test(fields, request)
        if RECIPE in parameters:
            fields = with_recipe(fields)
        options = engine.parse_options(fields, tuple(row for row in parameters if row.field))
    except engine.InvalidOption as error:
        raise errors.InvalidParameter.named(error, own.get(error.parameter)) from error
    return Order(read_source(fields, files), options)


def read_fields(request: Request) -> Fields:
    """All text fields; the last one of repeated fields."""
    data = _parsed(request)
    if isinstance(data, QueryDict):
        texts = {name: str(value) for name, value in data.items() if isinstance(value, str)}
        return _texts_in_files(request) | texts
    return _json_fields(data)


def _texts_in_files(request: Request) -> Fields:
    """Small file parts as texts: some clients name every part, and `test` must not be missed."""
    whole = _large_texts(request)
    for file in files_of(request, "image.base64"):
        if (file.size or 0) > MAX_BASE64:
            raise errors.Base64TooLong(file.size or 0, MAX_BASE64)
    return {
        name: _text_of(name, file.read(None if name in whole else MAX_BASE64 + 1))
        for name, file in request.FILES.items()
        if name not in PICTURE_FILES
    }


def _text_of(name: str, content: bytes) -> str:
    """Hints may also be a picture."""
    if name == engine.HINTS.name:
        return hints.text_of(content)
    return content.decode("utf-8", "replace")


def with_query_test(fields: Fields, request: Request) -> Fields:
    """`?test=true` counts too, so that nobody is charged unexpectedly."""
    asked = [text for text in request.query_params.getlist("test") if text.strip()]
    if any(engine.parse_bool("test", text) for text in asked):
        return {**fields, "test": "true"}
    return fields


def with_recipe(fields: Fields) -> Fields:
    """With what the recipe sets, if one is named; parameters that are sent win over it."""
    name = fields.get(RECIPE.name, "")
    return recipes.expanded(fields, RECIPE.parse(RECIPE.name, name)) if name.strip() else fields


def read_source(fields: Fields, files: list[File]) -> Source:
    """The one image source."""
    if not files and fields.get("image", ""):
        raise errors.ImageNotAFile
    texts = [name for name in SOURCES[1:] if fields.get(name, "").strip()]
    if len(files) + len(texts) != 1:
        raise errors.WrongImageCount(
            "Send exactly one image: a file in 'image', or image.base64, or image.url. "
            f"This request has {len(files) + len(texts)}."
        )
    if files:
        return file_bytes(files[0])
    if "image.url" in texts:
        return Url(fields["image.url"].strip())
    return decode_base64(fields["image.base64"])


def decode_base64(text: str, name: str = "image.base64") -> bytes:
    """Accepts a data: prefix, white space, the URL-safe alphabet and missing padding."""
    if len(text) > MAX_BASE64:
        raise errors.Base64TooLong(len(text), MAX_BASE64, name)
    return _decoded(text, name)


def decode_large_base64(text: str, name: str) -> bytes:
    """The same for dialects that allow as many bytes as in a file."""
    content = _decoded(text, name)
    if len(content) > settings.REMOVAL_MAX_UPLOAD_BYTES:
        raise errors.TooManyBytes.over(settings.REMOVAL_MAX_UPLOAD_BYTES)
    return content


def _decoded(text: str, name: str) -> bytes:
    body = re.sub(r"^\s*data:[^,]{0,200},", "", text, count=1, flags=re.IGNORECASE)
    body = re.sub(r"\s+", "", body).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise errors.NotBase64(
            f"{name} is not valid Base64. Allowed are A-Z, a-z, 0-9, + and / (or - and _), "
            "optionally after a data: prefix."
        ) from None


def _parsed(request: Request) -> Any:
    """The parsed body; raises an error that says what is wrong with it."""
    try:
        return request.data
    except exceptions.UnsupportedMediaType:
        raise errors.UnsupportedContentType(request.content_type or "") from None
    except exceptions.ParseError as error:
        raise errors.MalformedBody(
            f"The body could not be read: {str(error.detail).rstrip('.')}."
        ) from error
    except RecursionError:
        raise errors.MalformedBody("The JSON body is nested too deeply; it must be flat.") from None
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        raise from_bad_request(error) from error


def files_of(request: Request, name: str) -> list[File]:
    files: MultiValueDict[str, File] = request.FILES
    return files.getlist(name)


def file_bytes(file: File) -> bytes:
    if (file.size or 0) > settings.REMOVAL_MAX_UPLOAD_BYTES:
        raise errors.TooManyBytes.over(settings.REMOVAL_MAX_UPLOAD_BYTES)
    content = file.read()
    if not content:
        raise errors.UnreadableImage(f"The file {str(file.name)[:80]!r} is empty.")
    return bytes(content)


def _json_fields(data: Any) -> Fields:
    if not isinstance(data, Mapping):
        raise errors.MalformedBody("The JSON body must be an object of parameters.")
    return {str(name): _json_text(str(name), value) for name, value in data.items()}


def _json_text(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():  # JSON has one kind of number: 800.0 is 800
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case Mapping() if name == engine.HINTS.name:
            return json.dumps(value)
        case _:
            raise errors.MalformedBody(
                f"{name[:80]}: the JSON body is flat; a value is a string, number, boolean or null."
            )
