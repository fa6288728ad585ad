"""Generated requests against the running server: it does what its OpenAPI document says.

FUZZ_CASES=n tries n other requests each time (`make fuzz-api`); without, always the same 300.
"""

import base64
import http.server
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving import Server, serving

from . import fuzz_cases

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CASES = int(os.environ.get("FUZZ_CASES", "300"))


class Pictures(http.server.BaseHTTPRequestHandler):
    """Gives a picture at /ok.png, text at /text, else 404."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(fuzz_cases.GOOD["PNG"] if self.path == "/ok.png" else b"text")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def picture_server() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {
        "IMAGE_URL_ALLOW": "127.0.0.1",
        "REMOVAL_MAX_RESULT_PIXELS": "1000000",
        "REMOVAL_THREADS": "1",  # one request at a time, beside a generator that is busy itself
    }
    with serving(tmp_path_factory.mktemp("fuzzed"), **limits) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: Server, picture_server: str) -> fuzz_cases.World:
    secret = server.manage("issue_api_key", "fuzz@example.com")
    server.manage("grant_credits", "fuzz@example.com", "100000", "--reason", "for the fuzz")
    pair = base64.b64encode(secret.encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    _, _, made = server.ask("POST", "/api/v2/batches", b'{"keep_open": true}', headers)
    return fuzz_cases.World(secret, picture_server, json.loads(made)["id"])


def is_capacity(response) -> bool:
    """A 503 that says when to come back."""
    return response.status_code == 503 and "retry-after" in response.headers


def test_answers_are_what_the_document_says(server, world):
    base = f"http://127.0.0.1:{server.port}"
    schema = schemathesis.openapi.from_url(f"{base}/api/schema")
    operations = [found.ok() for found in schema.get_all_operations()]
    seen: Counter[tuple[str, int]] = Counter()

    def fuzz(some, cases):
        @settings(
            max_examples=cases,
            database=None,
            derandomize="FUZZ_CASES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=fuzz_cases.requests(some, world))
        def check(case):
            response = case.call(base_url=base, session=session, timeout=60)
            seen[case.operation.label, response.status_code] += 1
            assert response.status_code < 500 or is_capacity(response), response.content
            case.validate_response(response, checks=CHECKS)

        check()

    with requests.Session() as session:
        fuzz(operations, CASES)
        for operation in operations:
            if operation.path.endswith((*fuzz_cases.REMOVALS, "account")):
                if not is_reached(operation, seen):  # the draw left it out
                    fuzz([operation], 20)
                assert is_reached(operation, seen), f"{operation.label} was never reached"
    report(seen)


def is_reached(operation: schemathesis.APIOperation, seen: Counter[tuple[str, int]]) -> bool:
    return any(label == operation.label and status < 300 for label, status in seen)


def report(seen: Counter[tuple[str, int]]) -> None:
    for label in sorted({label for label, _ in seen}):
        counts = {status: count for (own, status), count in sorted(seen.items()) if own == label}
        print(f"{label}: " + ", ".join(f"{status} x {n}" for status, n in counts.items()))
    print(f"{sum(seen.values())} requests, every answer as documented")
