"""Body parsers like Django's, but errors name the field that is too long and its limit.

Django counts all text of a multipart body together and names neither. Texts that may be as long as
a picture's file (Base64, in dialects that allow it) are spooled like files; in other bodies they
pass Django's limit through a parser of their own, after reading.check_body has limited them.
"""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.http import QueryDict
from django.http.multipartparser import (
    FIELD,
    FILE,
    ChunkIter,
    LazyStream,
    MultiPartParserError,
    Parser,
)
from django.http.multipartparser import MultiPartParser as DjangoParser
from django.http.request import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import force_str
from rest_framework.parsers import BaseParser, DataAndFiles, FormParser, JSONParser, MultiPartParser

from removal import errors

from .reading import MAX_BASE64, PICTURE_FILES

NO_BOUNDARY = (
    "The header Content-Type says multipart/form-data but no boundary, or one that is not allowed. "
    "Let your HTTP library write this header: it adds the boundary that it puts between the parts."
)
Part = tuple[Mapping[str, Any], Any]  # its headers and its stream


class PartsParser(MultiPartParser):
    """For REST framework. The view's `large_texts` names those as long as a file."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        context = parser_context or {}
        request: HttpRequest = context["request"]._request
        meta = request.META | {"CONTENT_TYPE": _in_lower_case(media_type or "")}
        encoding = context.get("encoding") or settings.DEFAULT_CHARSET
        try:
            parts = _Parts(meta, stream, request.upload_handlers, encoding)
        except MultiPartParserError:
            raise errors.MalformedBody(NO_BOUNDARY) from None
        parts.large_texts = getattr(context["view"], "large_texts", frozenset())
        try:
            return DataAndFiles(*parts.parse())
        except MultiPartParserError as error:
            raise errors.MalformedBody(f"The multipart body could not be read: {error}") from error


class LargeJsonParser(BaseParser):
    """REST framework keeps a second copy of JSON bodies, at most 4 MiB."""

    media_type = JSONParser.media_type

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return JSONParser().parse(stream, media_type, parser_context)


class LargeFormParser(BaseParser):
    media_type = FormParser.media_type

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return FormParser().parse(stream, media_type, parser_context)


def _in_lower_case(content_type: str) -> str:
    """The type, not its parameters: Django takes `Multipart/Form-Data` for something else."""
    kind, semicolon, parameters = content_type.partition(";")
    return kind.lower() + semicolon + parameters


class _Parts(DjangoParser):
    large_texts: Collection[str] = frozenset()
    _boundary: Any  # and so on: Django's own arguments, missing in its published types
    _chunk_size: int
    _content_length: int
    _encoding: str
    _input_data: Any
    _meta: dict[str, Any]
    _upload_handlers: list[FileUploadHandler]

    def _parse(self) -> tuple[QueryDict, MultiValueDict[str, Any]]:
        self._post = QueryDict(mutable=True, encoding=self._encoding)
        self._files: MultiValueDict[str, Any] = MultiValueDict()
        self._text_bytes = self._file_count = 0
        if self._content_length:
            self._announce()
            stream = LazyStream(ChunkIter(self._input_data, self._chunk_size))
            for kind, headers, content in Parser(stream, self._boundary):
                self._take(kind, (headers, content))
            while self._input_data.read(self._chunk_size):
                pass  # data after the last part
            for handler in self._upload_handlers:
                handler.upload_complete()
        self._post._mutable = False
        return self._post, self._files

    def _announce(self) -> None:
        for handler in self._upload_handlers:
            handler.handle_raw_input(
                self._input_data, self._meta, self._content_length, self._boundary, self._encoding
            )

    def _take(self, kind: str, part: Part) -> None:
        headers, _ = part
        disposition = headers.get("content-disposition", ("", {}))[1]
        name = force_str(disposition.get("name", b"").strip(), self._encoding, errors="replace")
        if not name:
            return
        if kind == FIELD and name not in self.large_texts:
            self._take_text(name, part)
        elif kind in (FIELD, FILE):
            given = force_str(
                disposition.get("filename", b"text"), self._encoding, errors="replace"
            )
            self._take_file(name, self.sanitize_file_name(given) or "file", part)

    def _take_text(self, name: str, part: Part) -> None:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        content = part[1].read(size=limit - self._text_bytes + 1)
        self._text_bytes += len(content)
        if self._text_bytes > limit:
            raise self._too_long(name, len(content) + sum(map(len, part[1])))
        if len(self._post) >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            raise TooManyFieldsSent
        if _is_base64(part):
            with suppress(binascii.Error):
                content = base64.b64decode(content)
        self._post.appendlist(name, force_str(content, self._encoding, errors="replace"))

    def _too_long(self, name: str, length: int) -> errors.RemovalError:
        if name in PICTURE_FILES:
            return errors.ImageNotAFile(name)
        if name == "image.base64":
            return errors.Base64TooLong(length, MAX_BASE64)
        return errors.TooManyBytes(
            f"The field {name[:80]!r} has {length:,} bytes; the fields other than files may have "
            f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes in all."
        )

    def _take_file(self, name: str, file_name: str, part: Part) -> None:
        headers, content = part
        if self._file_count >= settings.DATA_UPLOAD_MAX_NUMBER_FILES:
            raise TooManyFilesSent
        self._file_count += 1
        kind, extra = headers.get("content-type", ("", {}))
        for handler in self._upload_handlers:
            try:
                handler.new_file(name, file_name, kind.strip(), None, extra.get("charset"), extra)
            except StopFutureHandlers:
                break
        counters = [0] * len(self._upload_handlers)
        for chunk in _decoded(content) if _is_base64(part) else content:
            _hand_over(chunk, self._upload_handlers, counters)
        self.handle_file_complete(name, counters)


def _hand_over(
    chunk: bytes | None, handlers: Collection[FileUploadHandler], counters: list[int]
) -> None:
    for number, handler in enumerate(handlers):
        if chunk is None:
            return
        length = len(chunk)
        chunk = handler.receive_data_chunk(chunk, counters[number])
        counters[number] += length


def _is_base64(part: Part) -> bool:
    """Some clients encode parts as in mails."""
    encoding = part[0].get("content-transfer-encoding", ("",))[0]
    return bool(encoding.strip().lower() == "base64")


def _decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decode four characters at a time, regardless of chunk boundaries."""
    rest = b""
    try:
        for chunk in chunks:
            text = rest + b"".join(chunk.split())
            whole = len(text) // 4 * 4
            rest = text[whole:]
            yield base64.b64decode(text[:whole])
    except binascii.Error:
        raise MultiPartParserError("a part's Base64 is not valid.") from None
    if rest:
        raise MultiPartParserError("a part's Base64 is cut off.")
