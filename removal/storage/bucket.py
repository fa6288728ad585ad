"""Storage for several machines: a bucket of any S3-compatible service."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from django.conf import settings
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]

AT_ONCE = 1000  # the most keys one request may delete
CONNECT_SECONDS, ANSWER_SECONDS, ATTEMPTS = 3, 10, 2


class Bucket(S3Storage):  # type: ignore[misc]
    """Times out after seconds, not minutes, because callers wait for the files."""

    failures: tuple[type[Exception], ...] = (OSError, Boto3Error, BotoCoreError, ClientError)

    def __init__(self, addressing_style: str = "auto", **options: Any) -> None:
        client = Config(
            signature_version="s3v4",
            s3={"addressing_style": addressing_style},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=settings.SERVER_THREADS,
            # Many services other than Amazon's refuse additional checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        transfer = TransferConfig(use_threads=False)
        super().__init__(client_config=client, transfer_config=transfer, **options)

    def delete_all(self, names: Collection[str]) -> None:
        keys = [{"Key": self._normalize_name(name)} for name in names]
        for start in range(0, len(keys), AT_ONCE):
            some = {"Objects": keys[start : start + AT_ONCE], "Quiet": True}
            answer = self._client.delete_objects(Bucket=self.bucket_name, Delete=some)
            if errors := answer.get("Errors"):
                raise OSError(f"The bucket kept {len(errors)} files: {errors[0]}")

    def entries(self, folder: str) -> dict[str, datetime]:
        prefix = self._normalize_name(folder) + "/"
        return {
            entry["Key"].removeprefix(prefix): entry["LastModified"]
            for page in self._pages(prefix)
            for entry in page.get("Contents", ())
        }

    def opened(self, name: str) -> BinaryIO | None:
        return None

    def probe(self) -> None:
        self._client.head_bucket(Bucket=self.bucket_name)

    def signed_address(self, name: str, seconds: int, media_type: str) -> str:
        if not settings.S3_SIGNED_ORIGIN:
            return ""
        return str(self.url(name, {"ResponseContentType": media_type}, expire=seconds))

    def _pages(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2")
        yield from pages.paginate(Bucket=self.bucket_name, Prefix=prefix)

    @property
    def _client(self) -> Any:
        return self.connection.meta.client
