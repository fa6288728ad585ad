"""Stores cache values in Redis as JSON.

Django's default is pickle, with which write access to Redis would run code in every web process.
"""

import json
from typing import Any


class JsonSerializer:
    def dumps(self, value: Any) -> int | bytes:
        # Integers unchanged, so that Redis can increment them.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
