"""Somebody with an API key, who asks a server over real sockets."""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from tests.serving import Server

V2 = "/api/v2/remove-background"


@dataclass
class Answer:
    status: int
    headers: Any
    content: bytes

    @property
    def code(self) -> int:
        return json.loads(self.content)["error"]["code"]


@dataclass
class Person:
    server: Server
    pair: str

    @classmethod
    def new(cls, server: Server, email: str, credits_: str = "") -> "Person":
        person = cls(server, server.manage("issue_api_key", email))
        if credits_:
            server.manage("grant_credits", email, credits_, "--reason", "for the test")
        return person

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        authorization = "Basic " + b64encode(self.pair.encode()).decode()
        everything = {"Authorization": authorization} | named
        return Answer(*self.server.ask(method, path, body, everything))

    def post(self, path: str = V2, headers: dict[str, str] | None = None, **parts: Any) -> Answer:
        """A multipart request; bytes are files, dots in names are written as two underscores."""
        body = b"".join(_part(name.replace("__", "."), value) for name, value in parts.items())
        content_type = "multipart/form-data; boundary=edge"
        return self.ask(
            "POST", path, body + b"--edge--\r\n", Content_Type=content_type, **(headers or {})
        )

    @property
    def credits(self) -> float:
        return float(json.loads(self.ask("GET", "/api/v2/account").content)["credits"])


def _part(name: str, value: bytes | str) -> bytes:
    is_file = isinstance(value, bytes)
    file_name = '; filename="photo.jpg"' if is_file else ""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'
    return head.encode() + (value.encode() if isinstance(value, str) else value) + b"\r\n"
