"""Requests for the fuzz: schemathesis' own, of which most are given a real picture and a real key.

Left to itself the generator would rarely come past the first check: it can't know a key, and its
files are noise. What it may not do is fetch from other hosts, so every URL is one of ours.
"""

import base64
import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pillow_heif
from hypothesis import strategies as st
from PIL import Image
from schemathesis import APIOperation, Case, GenerationMode
from urllib3.filepost import encode_multipart_formdata

from tests import pictures
from tests.engine import hostile

MULTIPART = "multipart/form-data"
FILES, TEXTS = ("image", "image_file"), ("image.base64", "image_file_b64")
URLS = ("image.url", "image_url", "bg_image_url", "webhook.url")
REMOVALS = ("remove-background", "removebg")
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF")


def tiny(image_format: str) -> bytes:
    """A subject in 24 x 18 pixels."""
    with Image.open(io.BytesIO(pictures.portrait(24, 18, "PNG"))) as image:
        if image_format != "HEIF":
            return pictures.encoded(image, image_format)
        buffer = io.BytesIO()
        pillow_heif.from_pillow(image).save(buffer)
        return buffer.getvalue()


GOOD = {name: tiny(name) for name in FORMATS}
BAD = {
    "cut off": GOOD["JPEG"][:200],
    "a bomb's header": hostile.png(60_000, 50_000),
    "no picture": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "only a beginning": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**31),
}


@dataclass(frozen=True)
class World:
    """What the requests may refer to: a key, and where pictures can be fetched."""

    secret: str  # ID:SECRET
    pictures: str  # the address of a server that gives a picture at /ok.png
    batch: str  # the id of a batch that is open

    @property
    def urls(self) -> list[str]:
        return [
            f"{self.pictures}/ok.png", f"{self.pictures}/missing", f"{self.pictures}/text",
            "http://10.0.0.1/a.png", "http://[::1]:1/a.png", "file:///etc/passwd", "http://",
            "http://127.0.0.1:1/closed", "no address", " ", "http://\x00", "http://[",
        ]  # fmt: skip

    def authorize(self, case: Case) -> None:
        if case.operation.path.startswith("/v1.0"):
            case.headers["X-Api-Key"] = self.secret
        else:
            pair = base64.b64encode(self.secret.encode()).decode()
            case.headers["Authorization"] = f"Basic {pair}"


@st.composite
def requests(draw: st.DrawFn, operations: list[APIOperation], world: World) -> Case:
    likely = [one for one in operations for _ in range(4 if one.path.endswith(REMOVALS) else 1)]
    operation = draw(st.sampled_from(likely))
    mode = draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = draw(operation.as_strategy(generation_mode=mode))
    if draw(st.integers(0, 9)) < 9:  # the simplest draw is 0
        world.authorize(case)
    if draw(st.booleans()):
        case.headers.pop("Idempotency-Key", None)
    ends_it = case.method == "DELETE" or operation.path.endswith(("/close", "/cancel"))
    if "batch_id" in case.path_parameters and not ends_it and draw(st.booleans()):
        case.path_parameters["batch_id"] = world.batch
    if isinstance(case.body, dict):
        body = dict(case.body)
        if draw(st.integers(0, 3)) < 3:
            body = draw(with_one_picture(case, body))
        for name in set(URLS) & set(body):
            body[name] = draw(st.sampled_from(world.urls))
        case.body = body
        if case.media_type == MULTIPART:
            as_sent(case)
    elif isinstance(case.body, bytes | str) and "http" in str(case.body):
        case.body = b"{"
    return case


@st.composite
def with_one_picture(draw: st.DrawFn, case: Case, body: dict[str, Any]) -> dict[str, Any]:
    """Some of the declared parameters of this body, and a picture instead of its sources."""
    declared = properties(case)
    sources = {*FILES, *TEXTS, *URLS[:2]}
    kept = draw(st.sets(st.sampled_from(sorted(declared)), max_size=4)) - sources
    body = {name: body[name] for name in body if name in kept}
    if "bg_image_file" in body:
        body["bg_image_file"] = draw(st.sampled_from([*GOOD.values(), *BAD.values()]))
    choices = [*GOOD.values()] * 4 + [*BAD.values()]
    content = draw(st.sampled_from(choices))
    offered = [
        name for name in declared if name in (FILES if case.media_type == MULTIPART else TEXTS)
    ]
    if offered:
        body[offered[0]] = content if offered[0] in FILES else base64.b64encode(content).decode()
    return body


def properties(case: Case) -> Mapping[str, Any]:
    content = case.operation.definition.raw["requestBody"]["content"]
    found: Mapping[str, Any] = content[case.media_type]["schema"]["properties"]
    return found


def as_sent(case: Case) -> None:
    """Encode as clients do, files with a file name, which the generator leaves out."""
    parts: list[tuple[str, Any]] = []
    for name, value in case.body.items():
        for one in value if isinstance(value, list) else [value]:
            content = getattr(one, "data", one)
            is_file = isinstance(content, bytes)
            parts.append((name, ("photo", content) if is_file else text_of(content)))
    case.body, case.headers["Content-Type"] = encode_multipart_formdata(parts)


def text_of(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
    return str(value).encode("utf-8", "replace").decode()
