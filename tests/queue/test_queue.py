"""Pictures worked on by a worker: what callers get, whatever becomes of worker, client and web."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import onnx
import pytest
import redis
from PIL import Image

from removal.execution import mailbox
from tests import pictures
from tests.deployment import Worker
from tests.engine.models import brightness
from tests.serving import ROOT, engine_pids, is_alive

# One deployment for all of them, also where the tests run in parallel.
pytestmark = pytest.mark.xdist_group("queue")
V2 = "/api/v2/remove-background"
REMOVE_BG = "/v1.0/removebg"


def multipart(**parts: bytes) -> tuple[bytes, str]:
    body = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (name.encode(), b'; filename="a"' if len(content) > 50 else b"", content)
        for name, content in parts.items()
    )
    return body + b"--edge--\r\n", "multipart/form-data; boundary=edge"


def post(server, headers, path=V2, **parts: bytes) -> tuple[int, Any, bytes]:
    body, content_type = multipart(**parts)
    return server.ask("POST", path, body, headers | {"Content-Type": content_type})


def credits_of(server, headers) -> float:
    return json.loads(server.ask("GET", "/api/v2/account", headers=headers)[2])["credits"]


def code_of(content: bytes) -> int:
    return json.loads(content)["error"]["code"]


def files_at_work(folder) -> list[str]:
    work = folder / "media" / "work"
    return [path.name for path in work.iterdir()] if work.exists() else []


@pytest.fixture
def server(deployed):
    return deployed.servers[0]


def test_a_result_comes_with_its_facts_and_leaves_nothing_behind(server, authorization, folder):
    before = credits_of(server, authorization)
    status, headers, content = post(server, authorization, image=pictures.portrait())
    assert status == 200, content
    assert pictures.mode_and_size(content) == ("RGBA", (200, 240))
    assert headers["X-Credits-Charged"] == "0.052"
    assert headers["X-Input-Size"] == headers["X-Result-Size"] == "200 240"
    assert headers["X-Input-Foreground"] != "0 0 0 0"
    assert credits_of(server, authorization) == round(before - 0.052, 3)
    assert files_at_work(folder) == []


def test_options_reach_the_worker(server, authorization):
    status, _, content = post(
        server, authorization,
        image=pictures.portrait(), **{"result.target_size": b"120 90", "result.margin": b"5% 3px"},
        **{"background.color": b"#FF0000", "output.format": b"png"},
    )  # fmt: skip
    assert status == 200, content
    assert pictures.mode_and_size(content) == ("RGB", (120, 90))
    assert tuple(pictures.pixels(content)[0, 0]) == (255, 0, 0)


def test_hints_reach_the_worker(server, authorization):
    marks = Image.new("L", (200, 240), 128)
    marks.paste(255, (2, 2, 10, 10))
    labels, asked = pictures.encoded(marks, "PNG"), {"output.format": b"mask"}
    portrait = pictures.portrait()
    plain, drawn, labelled = (
        post(server, authorization, image=portrait, **asked, **hints)
        for hints in ({}, {"hints": b'{"keep": [[5, 5]]}'}, {"hints": labels})
    )
    assert plain[0] == drawn[0] == labelled[0] == 200
    assert plain[2] not in (drawn[2], labelled[2])
    status, _, content = post(
        server, authorization, image=portrait, hints=labels[: len(labels) // 2]
    )
    assert (status, code_of(content)) == (400, 1115)


def test_scribbles_on_the_page_reach_the_worker(server, folder):
    _, headers, page = server.ask("GET", "/")
    cookies = [cookie.partition(";")[0] for cookie in headers.get_all("Set-Cookie")]
    token = re.search(rb'csrfmiddlewaretoken" value="(\w+)"', page)
    own = {"Cookie": "; ".join(cookies), "X-CSRFToken": token[1].decode()}
    stored, portrait = "0123456789abcdef" * 2, pictures.portrait()
    fields = {"image": portrait, "picture": stored.encode(), "output.format": b"png"}
    assert post(server, own, "/removals", **fields)[0] == 200
    scribbles = json.dumps([{"label": "keep", "points": [[5, 5]], "radius": 4}])
    for what, channels in (("matte", "L"), ("mended", "RGBA")):
        status, _, content = server.ask("POST", f"/removals/{stored}/{what}", scribbles, own)
        assert status == 200, content
        assert pictures.mode_and_size(content)[0] == channels
    assert files_at_work(folder) == []


def test_a_background_picture_travels_too(server, authorization):
    key = {"X-Api-Key": _pair(authorization)}
    blue = pictures.encoded(Image.new("RGB", (300, 300), (0, 0, 255)))
    status, _, content = post(
        server, key, REMOVE_BG, image_file=pictures.portrait(), bg_image_file=blue, format=b"png"
    )
    assert status == 200, content
    assert tuple(pictures.pixels(content)[0, 0]) == (0, 0, 255)


def _pair(authorization: dict[str, str]) -> str:
    return authorization["Authorization"].removeprefix("Basic ")


def test_the_engines_errors_arrive_as_they_are_and_cost_nothing(server, authorization, folder):
    before = credits_of(server, authorization)
    broken = pictures.portrait(1000, 1200)[:-9000]  # the header can be read, the rest cannot
    status, _, content = post(server, authorization, image=broken)
    assert (status, code_of(content)) == (400, 1006)
    key = {"X-Api-Key": _pair(authorization)}
    status, _, content = post(server, key, REMOVE_BG, image_file=pictures.blank())
    assert (status, json.loads(content)["errors"][0]["code"]) == (400, "unknown_foreground")
    assert credits_of(server, authorization) == before
    assert files_at_work(folder) == []


def test_a_worker_killed_at_work_is_503_free_and_replaced(
    deployed, server, authorization, large_photo, folder, wait_until
):
    before = credits_of(server, authorization)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(post, server, authorization, image=large_photo)
        os.kill(wait_until(deployed.pid_at_work), signal.SIGKILL)
        status, headers, content = asked.result()
    assert (status, code_of(content)) == (503, 1200)
    assert headers["Retry-After"]
    assert credits_of(server, authorization) == before
    assert files_at_work(folder) == []
    wait_until(deployed.worker_pids)
    assert post(server, authorization, image=pictures.portrait())[0] == 200


def test_a_step_that_is_stuck_is_503_free_ended_and_replaced(
    deployed, server, authorization, folder, wait_until
):
    before = credits_of(server, authorization)
    (worker,) = wait_until(deployed.worker_pids)
    (stuck,) = wait_until(lambda: engine_pids(worker))
    os.kill(stuck, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(post, server, authorization, image=pictures.portrait())
        reasons = wait_until(lambda: json.loads(server.ask("GET", "/readyz")[2])["reasons"])
        assert "A slot is stuck" in reasons[0]
        status, headers, content = asked.result()
    assert (status, code_of(content)) == (503, 1201)
    assert headers["Retry-After"]
    assert credits_of(server, authorization) == before
    assert files_at_work(folder) == []
    wait_until(lambda: not is_alive(stuck))
    assert post(server, authorization, image=pictures.portrait())[0] == 200
    assert deployed.worker_pids() == [worker]


def test_an_engine_process_killed_at_work_is_503_for_that_picture_alone(
    deployed, server, authorization, large_photo, wait_until
):
    before = credits_of(server, authorization)
    (worker,) = wait_until(deployed.worker_pids)
    (killed,) = wait_until(lambda: engine_pids(worker))
    os.kill(killed, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(post, server, authorization, image=pictures.portrait())
        wait_until(deployed.pid_at_work)
        os.kill(killed, signal.SIGKILL)
        status, _, content = asked.result()
    assert (status, code_of(content)) == (503, 1200)
    assert credits_of(server, authorization) == before
    assert post(server, authorization, image=pictures.portrait())[0] == 200


def test_hanging_up_cancels_the_work(deployed, server, authorization, large_photo, wait_until):
    before = credits_of(server, authorization)
    body, content_type = multipart(image=large_photo)
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    client.request("POST", V2, body, authorization | {"Content-Type": content_type})
    wait_until(deployed.pid_at_work)
    cancelled = list(deployed.redis.scan_iter("execution:cancel:*"))
    client.close()
    wait_until(lambda: len(list(deployed.redis.scan_iter("execution:cancel:*"))) > len(cancelled))
    wait_until(lambda: not deployed.redis.exists("capacity:requests:order"))
    assert credits_of(server, authorization) == before


def test_two_web_servers_share_the_places(deployed, authorization, large_photo, wait_until):
    one, two = deployed.servers
    with ThreadPoolExecutor() as pool:
        working = pool.submit(post, one, authorization, image=large_photo)
        wait_until(lambda: deployed.redis.zcard("capacity:places:order") == 1)
        waiting = pool.submit(post, two, authorization, image=large_photo)
        wait_until(lambda: deployed.redis.zcard("capacity:paying line:order") == 1)
        for server in (one, two):
            status, headers, content = post(server, authorization, image=pictures.portrait())
            assert (status, code_of(content)) == (429, 1015)
            assert headers["Retry-After"]
        assert (working.result()[0], waiting.result()[0]) == (200, 200)


def test_without_a_living_worker_it_is_not_ready_and_says_so_at_once(
    deployed, server, authorization, wait_until
):
    ready = json.loads(server.ask("GET", "/readyz")[2])
    assert (ready["model"], ready["device"]) == ("u2netp-fp32", "cpu")
    (pid,) = deployed.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: server.ask("GET", "/readyz")[0] == 503)
        reasons = json.loads(server.ask("GET", "/readyz")[2])["reasons"]
        assert any("manage.py worker" in reason for reason in reasons)
        status, _, content = post(server, authorization, image=pictures.portrait())
        assert (status, code_of(content)) == (503, 1200)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: server.ask("GET", "/readyz")[0] == 200)
    assert post(server, authorization, image=pictures.portrait())[0] == 200


def test_a_worker_whose_network_is_refused_says_why_at_readyz(
    tmp_path, redis_url, client, settings, db, wait_until
):
    own_redis = urlsplit(redis_url)._replace(path="/3").geturl()
    settings.REMOVAL_EXECUTION, settings.REDIS_URL = "queue", own_redis
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"normalisation": "half", "output": "matte", "memory_mib": 1000000}')
    onnx.save(brightness(), tmp_path / "own.onnx")
    environment = os.environ | {
        "REMOVAL_EXECUTION": "queue", "REDIS_URL": own_redis, "DATA_DIR": str(tmp_path),
        "MODEL_PATH": str(tmp_path / "own.onnx"), "MODEL_RECIPE": str(recipe),
    }  # fmt: skip

    def reasons() -> list[str]:
        return client.get("/readyz").json()["reasons"]

    assert "No worker is alive" in reasons()[0]
    worker = Worker(tmp_path, environment)
    try:
        wait_until(lambda: "No worker is alive" not in reasons()[0])
        assert "own.onnx: It takes up to 1,000,000 MiB of memory" in reasons()[0]
        mailbox.report("another", {"model": "own.onnx", "device": "cpu", "state": "up"})
        ready = client.get("/readyz").json()
        assert ready["reasons"] == []
        assert "1,000,000 MiB" in ready["warnings"][0]
        with redis.Redis.from_url(own_redis) as mailboxes:
            (failed,) = mailboxes.scan_iter("execution:failed:*")
            assert 0 < mailboxes.ttl(failed) <= mailbox.SILENCE_SECONDS
    finally:
        worker.end()


def test_the_worker_keeps_house(deployed, server, folder, wait_until):
    work = folder / "media" / "work"
    work.mkdir(exist_ok=True, parents=True)
    left, fresh = work / "left-picture", work / "fresh-picture"
    left.write_bytes(b"somebody's")
    fresh.write_bytes(b"somebody's")
    an_hour_ago = time.time() - 3600
    os.utime(left, (an_hour_ago, an_hour_ago))
    subprocess.run(
        [sys.executable, "-m", "celery", "--app", "pixian_site", "call", "maintenance.sweep",],
        cwd=ROOT, env=server.environment, check=True, capture_output=True,
    )  # fmt: skip
    wait_until(lambda: not left.exists())
    assert fresh.exists()
    fresh.unlink()


def test_every_chore_is_scheduled_and_known_to_workers():
    from pixian_site.maintenance import JOBS
    from pixian_site.tasks import app  # type: ignore[attr-defined]

    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled == {f"maintenance.{job.name}" for job in JOBS}
    assert scheduled <= set(app.tasks)
