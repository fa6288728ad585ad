"""A bucket of moto's S3 server, reached over a real socket, for code that keeps pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

KEYS = {"access_key": "moto", "secret_key": "moto-moto"}


@dataclass
class S3:
    endpoint: str
    client: Any

    def files(self) -> list[str]:
        answer = self.client.list_objects_v2(Bucket="pictures")
        return sorted(entry["Key"] for entry in answer.get("Contents", ()))

    def options(self, **changed: Any) -> dict[str, Any]:
        options = {
            "bucket_name": "pictures",
            "endpoint_url": self.endpoint,
            "region_name": "us-east-1",
            "addressing_style": "path",
            "location": "of-this-site",
        }
        return {"BACKEND": "removal.storage.bucket.Bucket", "OPTIONS": options | KEYS | changed}


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto_endpoint: str) -> Iterator[S3]:
    """An empty bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=moto_endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
    )
    client.create_bucket(Bucket="pictures")
    bucket = S3(moto_endpoint, client)
    yield bucket
    for key in bucket.files():
        client.delete_object(Bucket="pictures", Key=key)
    client.close()


@pytest.fixture
def on_s3(s3: S3, settings: Any) -> S3:
    """The site with its pictures in that bucket."""
    settings.STORAGES = settings.STORAGES | {"default": s3.options()}
    return s3
