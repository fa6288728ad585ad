"""How counts and the like are written down in Redis: as JSON.

Django's own way is pickle, so whoever can write into Redis could run code in every web process.
"""

import json
from typing import Any


class JsonSerializer:
    def dumps(self, value: Any) -> int | bytes:
        # Whole numbers as they are, so that Redis can count.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
