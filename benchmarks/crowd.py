"""Clients that ask a service without a pause, driven by locust: see server.py, which starts it.

Runs in an environment that has locust and nothing of ours. Each client sends the same picture to
one of the addresses; where it is told to come back later it does as told. What came of each request
is written to --answers, one JSON object a line. With --pictures the run ends after so many.
"""

import http.client
import itertools
import json
import time
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import User, events, task
from locust.exception import StopUser

PATH = "/api/v2/remove-background"
BOUNDARY = "crowd"
TIMEOUT = 180
answers: list[dict[str, Any]] = []
numbers = itertools.count()


@events.init_command_line_parser.add_listener
def add_arguments(parser: Any) -> None:
    parser.add_argument("--addresses", nargs="+")
    parser.add_argument("--key", help="ID:SECRET in Base64")
    parser.add_argument("--picture", help="a file")
    parser.add_argument("--pictures", type=int, default=0, help="0: until --run-time is over")
    parser.add_argument("--answers", help="the file to write")


@events.quitting.add_listener
def write(environment: Any, **event: Any) -> None:
    with open(environment.parsed_options.answers, "w") as file:
        file.writelines(json.dumps(answer) + "\n" for answer in answers)


class Client(User):
    def on_start(self) -> None:
        chosen = self.environment.parsed_options
        self.addresses = itertools.cycle(chosen.addresses)
        for _ in range(next(numbers)):  # clients begin at different ones
            next(self.addresses)
        with open(chosen.picture, "rb") as file:
            self.body = multipart(file.read())
        self.headers = {
            "Authorization": f"Basic {chosen.key}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }

    @task
    def remove_background(self) -> None:
        wanted = self.environment.parsed_options.pictures
        if wanted and len(answers) + Client.under_way >= wanted:
            if not Client.under_way:
                gevent.spawn(self.environment.runner.quit)  # which waits for clients to stop
            raise StopUser
        Client.under_way += 1
        try:
            answer = ask(next(self.addresses), self.body, self.headers)
        finally:
            Client.under_way -= 1
        answers.append(answer)
        events.request.fire(
            request_type="POST", name=str(answer["status"]), exception=None, context={},
            response_time=1000 * answer["seconds"], response_length=answer["bytes"],
        )  # fmt: skip
        if answer["status"] != 200:
            gevent.sleep(float(answer["retry_after"] or 1))

    under_way = 0


def ask(address: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """One request on a connection of its own. `waited` counts from the last byte sent."""
    began = time.time()
    try:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT)
        connection.request("POST", PATH, body, headers)
        sent = time.time()
        response = connection.getresponse()
        length = len(response.read())
        status: int | str = response.status
        retry_after: str | None = response.headers["Retry-After"]
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        status, retry_after, length, sent = repr(error), None, 0, began
    ended = time.time()
    return {
        "status": status, "retry_after": retry_after, "bytes": length,
        "began": began, "ended": ended, "seconds": ended - began, "waited": ended - sent,
    }  # fmt: skip


def multipart(picture: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="photo"\r\n\r\n'
    return head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
