"""Each code of the table is provoked by a request; a code without one fails here.

The other tests look at one refusal closely; this one sees to it that none is forgotten.
"""

import base64
import io
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import errors as accounts_errors
from accounts import services
from billing import errors as billing_errors
from removal import capacity, engine, errors
from removal.api.errors import error_of, error_response
from removal.api.removebg import views as removebg
from removal.error_table import PARAMETER_CODES
from removal.execution import inline, pool
from removal.execution.pool import Pool
from removal.models import KeyedRequest, Removal
from removal.outbound.addresses import parse_allowed
from tests import pictures
from tests.crowd import full_house
from tests.engine import hostile
from tests.removal import hostile_server
from tests.test_server import impatient, raw_answer

from .conftest import ENDPOINT, Caller, new_caller

__all__ = ["impatient"]  # a fixture
pytestmark = pytest.mark.django_db
REMOVEBG = "/v1.0/removebg"


@dataclass
class Scene:
    """What a request may need."""

    alice: Caller  # has credits
    photo: bytes
    settings: Any
    patch: pytest.MonkeyPatch
    exits: ExitStack
    request: pytest.FixtureRequest

    def post(self, **fields: Any) -> Any:
        return self.alice.post(**({"image": self.photo} | fields))

    def url(self, path: str) -> Any:
        """A request for a picture of the server that misbehaves as its path says."""
        self.settings.IMAGE_URL_ALLOW = parse_allowed(["127.0.0.1/32"])
        server = self.exits.enter_context(hostile_server.serving())
        return self.alice.post(image__url=server.url(path))

    def keyed(self, key: str = "one", **fields: Any) -> Any:
        self.settings.MEDIA_ROOT = self.request.getfixturevalue("tmp_path")
        self.alice.client.defaults["HTTP_IDEMPOTENCY_KEY"] = key
        return self.post(**fields)

    def removebg(self, **fields: Any) -> Any:
        token = base64.b64decode(self.alice.authorization.removeprefix("Basic ")).decode()
        named = {"image_file": self.photo} | fields
        files = {
            name: io.BytesIO(value) if isinstance(value, bytes) else value
            for name, value in named.items()
        }
        return self.alice.client.post(REMOVEBG, files, HTTP_X_API_KEY=token)


@pytest.fixture
def scene(alice, portrait, settings, monkeypatch, request):
    with ExitStack() as exits:
        yield Scene(alice, portrait, settings, monkeypatch, exits, request)


PROVOKED: dict[int, Callable[[Scene], Any]] = {}


def provokes(code: int) -> Callable[[Callable[[Scene], Any]], Callable[[Scene], Any]]:
    def note(provoke: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
        PROVOKED[code] = provoke
        return provoke

    return note


def with_pair(pair: str) -> Any:
    encoded = base64.b64encode(pair.encode()).decode()
    return Client().post(ENDPOINT, HTTP_AUTHORIZATION=f"Basic {encoded}")


@provokes(1001)
def unknown_id(scene):
    return with_pair("pxnobody:secret")


@provokes(1002)
def revoked_key(scene):
    services.revoke(scene.alice.key)
    return scene.post()


@provokes(1003)
def suspended_account(scene):
    services.suspend(scene.alice.user)
    return scene.post()


@provokes(1004)
def wrong_secret(scene):
    return with_pair(f"{scene.alice.key.public_id}:wrong")


@provokes(1008)
def never_had_credits(scene):
    return new_caller("bob@example.com").post(image=scene.photo)


@provokes(1010)
def dormant_credits(scene):
    account = scene.alice.user.credit_account
    account.use_before = timezone.localdate() - timedelta(days=1)
    account.save()
    return scene.post()


@provokes(1011)
def too_few_credits(scene):
    return new_caller("carol@example.com", "0.051").post(image=scene.photo)


@provokes(1015)
def full(scene):
    scene.exits.enter_context(full_house())
    return scene.post()


@provokes(1017)
def started_too_late(scene):
    shared = capacity.shared()
    scene.patch.setattr(shared, "limits", replace(shared.limits, queue_seconds=0))
    for _ in range(shared.limits.slots):
        scene.exits.enter_context(shared.slot(lambda: False))
    return scene.post()


@provokes(1112)
def region_outside(scene):
    return scene.removebg(roi="0 0 9999px 9999px")


@provokes(1113)
def broken_background(scene):
    return scene.removebg(bg_image_file=b"no picture")


@provokes(1114)
def nothing_found(scene):
    return scene.removebg(image_file=pictures.blank())


@provokes(1126)
def key_under_way(scene):
    answers = []
    real = inline.run

    def run(job):
        scene.patch.setattr(inline, "run", real)
        answers.append(scene.keyed())
        return real(job)

    scene.patch.setattr(inline, "run", run)
    scene.keyed()
    return answers[0]


@provokes(1127)
def result_gone(scene):
    scene.keyed()
    KeyedRequest.objects.update(expires_at=timezone.now())
    return scene.keyed()


@provokes(1128)
def key_of_another_request(scene):
    scene.keyed()
    return scene.keyed(max_pixels="20000")


@provokes(1129)
def plain_http(scene):
    scene.settings.REQUIRE_HTTPS = True
    return scene.post()


@provokes(1130)
def slow_body(scene):
    port = scene.request.getfixturevalue("impatient")
    head = f"POST {ENDPOINT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123"
    return raw_answer(port, head.encode())


def batch(scene, **fields):
    scene.settings.MEDIA_ROOT = scene.request.getfixturevalue("tmp_path")
    return scene.alice.post("/api/v2/batches", **fields)


@provokes(1160)
def closed_batch(scene):
    made = batch(scene, image=scene.photo).json()
    return scene.alice.post(f"/api/v2/batches/{made['id']}/pictures", image=scene.photo)


@provokes(1161)
def too_many_pictures(scene):
    scene.settings.REMOVAL_BATCH_PICTURES = 0
    return batch(scene, image=scene.photo)


@provokes(1162)
def broken_zip(scene):
    return batch(scene, zip=b"no zip")


@provokes(1163)
def webhook_nobody_can_reach(scene):
    return batch(scene, webhook__url="file:///etc/passwd")


@provokes(1164)
def too_many_batches(scene):
    scene.settings.REMOVAL_BATCHES_PER_ACCOUNT = 0
    return batch(scene, image=scene.photo)


@provokes(1151)
def refused_address(scene):
    return scene.alice.post(image__url="http://10.0.0.1/photo.jpg")


@provokes(1152)
def slow_picture(scene):
    scene.settings.IMAGE_URL_SECONDS = 0.3
    return scene.url("/slow-body")


@provokes(1200)
def no_weights(scene):
    """The engine as it finds itself where the weights have gone."""
    scene.patch.setenv("REMOVAL_MODELS_DIR", "/nonexistent")
    own = Pool(1)
    scene.exits.callback(own.close)
    scene.patch.setattr(pool, "shared", lambda: own)
    return scene.post()


@provokes(1201)
def too_late(scene):
    scene.settings.REMOVAL_DEADLINE_SECONDS = 0
    return scene.post()


@provokes(1500)
def our_fault(scene):
    scene.patch.setattr(engine, "inspect", lambda data: 1 / 0)
    return scene.post()


# Those that one field or one body provokes.
FIELDS: dict[int, dict[str, Any]] = {
    1005: {"image__url": "https://example.com/a.jpg"},
    1006: {"image": b"no picture"},
    1012: {"image": b"\0" * (31 << 20)},
    1013: {"image": hostile.png(60_000, 50_000)},
    1016: {"image": "photo.jpg"},
    1101: {"test": "maybe"},
    1102: {"max_pixels": "99"},
    1103: {"background.color": "white"},
    1104: {"result.crop_to_foreground": "2"},
    1105: {"result.margin": "10"},
    1106: {"result.target_size": "100x100"},
    1107: {"result.vertical_alignment": "center"},
    1108: {"output.format": "gif"},
    1109: {"output.jpeg_quality": "0"},
    1110: {"output.format": "delta_png", "max_pixels": "1000"},
    1111: {"result.target_size": "10000 5001"},
    1115: {"hints": "here"},
    1117: {"recipe": "nobody"},
    1118: {"result.shadow": "long"},
    1119: {"result.shadow_opacity": "101"},
    1131: {"model": "nonsense"},
}
BODIES = {
    1120: ("{", "application/json"),
    1121: (json.dumps({"image.base64": "a*b"}), "application/json"),
    1122: (json.dumps({"image.base64": "A" * 1_048_577}), "application/json"),
    1123: (b"\xff\xd8", "image/jpeg"),
}
PATHS = {1124: ("POST", "/api/v2/nothing"), 1125: ("DELETE", ENDPOINT)}
URLS = {1150: "/not-http", 1153: "/status?503"}
PROVOKED |= {
    **{code: lambda scene, own=own: scene.post(**own) for code, own in FIELDS.items()},  # type: ignore[misc]
    **{code: lambda scene, own=own: scene.alice.send(*own) for code, own in BODIES.items()},  # type: ignore[misc]
    **{code: lambda scene, own=own: scene.url(own) for code, own in URLS.items()},  # type: ignore[misc]
    **{
        code: lambda scene, own=own: scene.alice.client.generic(  # type: ignore[misc]
            *own, HTTP_AUTHORIZATION=scene.alice.authorization
        )
        for code, own in PATHS.items()
    },
}


def table() -> dict[int, int]:
    """Each code of the table, with its status."""
    found = dict.fromkeys(PARAMETER_CODES.values(), 400)
    for inner in (accounts_errors.AuthenticationError, billing_errors.CannotSpend):
        found |= {error.code: error.status for error in inner.__subclasses__()}
    waiting = [errors.RemovalError]
    while waiting:
        children = waiting.pop().__subclasses__()
        waiting += children
        found |= {error.code: error.status for error in children}
    return found


def test_no_code_is_forgotten():
    assert set(PROVOKED) == set(table())


@pytest.mark.parametrize(("code", "status"), sorted(table().items()))
def test_a_request_provokes_it(scene, code, status):
    scene.alice.client.raise_request_exception = False
    answer = PROVOKED[code](scene)
    if isinstance(answer, tuple):  # of a socket
        assert (answer[0], answer[2]["error"]["code"]) == (status, code)
    elif "errors" in answer.json():  # in remove.bg's words; the code stands in the row
        assert answer.status_code == status
        assert Removal.objects.get().error_code == code
    else:
        error = answer.json()["error"]
        assert (answer.status_code, error["status"], error["code"]) == (status, status, code)


def test_an_answer_itself_says_which_error_it_tells_of():
    """Middleware asks it, so that no error gets lost where one answer takes another's place."""
    error = errors.MethodNotAllowed("PUT", ["GET"])
    ours, theirs = error_response(error), removebg.refuse(error)
    people = error_response(error, "Nicht hier.")
    for answer in (ours, theirs, people):
        assert error_of(answer) is error
        assert answer["Allow"] == "GET"
    assert json.loads(people.content)["error"]["message"] == "Nicht hier."
    assert error_of(HttpResponse()) is None
