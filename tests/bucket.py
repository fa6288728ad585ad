"""An S3 bucket of moto's server that can be away, or full."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from moto.server import ThreadedMotoServer

from tests.serving import free_port

NAME = "pictures"
KEYS = {"aws_access_key_id": "moto", "aws_secret_access_key": "moto-moto"}


class Bucket:
    def __init__(self) -> None:
        self._port = free_port()
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self.settings = {
            "S3_BUCKET": NAME,
            "S3_ENDPOINT": self.endpoint,
            "S3_REGION": "us-east-1",
            "S3_ADDRESSING": "path",
            "S3_ACCESS_KEY": KEYS["aws_access_key_id"],
            "S3_SECRET_KEY": KEYS["aws_secret_access_key"],
        }

    def __enter__(self) -> "Bucket":
        self.come_back()
        self._client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1", **KEYS
        )
        self._client.create_bucket(Bucket=NAME)
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self.go_away()

    def names(self) -> list[str]:
        answer = self._client.list_objects_v2(Bucket=NAME)
        return [entry["Key"] for entry in answer.get("Contents", ())]

    def go_away(self) -> None:
        self._server.stop()

    def come_back(self) -> None:
        """With everything that was in it: moto keeps that in this process."""
        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    def be_full(self, until: threading.Event) -> None:
        """Refuse whatever is asked, as a store without room does."""
        self.go_away()
        with ThreadingHTTPServer(("127.0.0.1", self._port), _Full) as full:
            refusing = threading.Thread(target=full.serve_forever)
            refusing.start()
            until.wait()
            full.shutdown()
            refusing.join()
        self.come_back()


class _Full(BaseHTTPRequestHandler):
    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(507)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST = do_GET = do_HEAD = do_DELETE = _refuse  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass
