"""A server that is told of a bucket by its settings."""

import base64
import json
from pathlib import Path

import pytest

from tests import pictures
from tests.serving import Server, serving
from tests.storage.conftest import KEYS, S3

ENDPOINT = "/api/v2/remove-background"


@pytest.fixture
def server(tmp_path: Path, s3: S3):
    """Its keys come from files, as containers hand them out."""
    for name, value in KEYS.items():
        (tmp_path / name).write_text(value + "\n")
    settings = {
        "S3_BUCKET": "pictures",
        "S3_PREFIX": "of-this-site",
        "S3_ENDPOINT": s3.endpoint,
        "S3_REGION": "us-east-1",
        "S3_ADDRESSING": "path",
        "S3_ACCESS_KEY_FILE": str(tmp_path / "access_key"),
        "S3_SECRET_KEY_FILE": str(tmp_path / "secret_key"),
        "LOG_FORMAT": "json",
    }
    with serving(tmp_path, **settings) as running:
        yield running


def test_results_are_kept_in_the_bucket_and_the_log_is_json(server: Server, s3: S3):
    pair = server.manage("issue_api_key", "s3@example.com")
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        + pictures.portrait()
        + b"\r\n--edge--\r\n"
    )
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "Content-Type": "multipart/form-data; boundary=edge",
        "Idempotency-Key": "order 66",
    }
    first, again = (server.ask("POST", ENDPOINT + "?test=1", body, headers) for _ in range(2))
    assert (first[0], again[0]) == (200, 200)
    assert again[1]["Idempotency-Replayed"] == "true"
    assert again[2] == first[2]
    (kept,) = s3.files()
    assert kept.startswith("of-this-site/keyed-results/")
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    requests = [json.loads(line) for line in lines if '"event": "request"' in line]
    assert [line["request_id"] for line in requests][:1] == [first[1]["X-Request-Id"]]
    assert pair.split(":")[1] not in server.log.read_text()
