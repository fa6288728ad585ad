"""Logs: JSON of one line each, found by request id; no secrets, no pictures."""

import base64
import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings as all_settings

from pixian_site import env, logs
from removal.execution import inline
from tests import pictures
from tests.api.conftest import new_caller
from tests.serving import ROOT

pytestmark = pytest.mark.django_db


def test_a_request_is_one_line_with_its_id(client, log):
    answer = client.get("/api/v2/account")
    (line,) = log.requests()
    assert line["request_id"] == answer["X-Request-Id"]
    assert (line["method"], line["status"], line["code"]) == ("GET", 401, 1001)
    assert line["route"] == "api/v2/account"
    assert line["milliseconds"] >= 0
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_probes_write_nothing(client, log):
    client.get("/healthz")
    assert log.requests() == []


def test_a_host_that_is_not_ours_is_a_warning_of_one_line(client, log):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    (line,) = [line for line in log.lines if "ALLOWED_HOSTS" in line["event"]]
    assert line["level"] == "warning"
    assert "exception" not in line


def test_a_fault_is_told_with_its_traceback_under_the_same_id(log, monkeypatch):
    def broken(job):
        raise RuntimeError("out of paint")

    monkeypatch.setattr(inline, "run", broken)
    answer = new_caller("a@example.com", "1").post(image=pictures.portrait())
    assert answer.status_code == 500
    (fault,) = [line for line in log.lines if line["level"] == "error"]
    assert fault["request_id"] == answer["X-Request-Id"]
    assert "out of paint" in fault["exception"]


def test_secrets_that_callers_send_are_in_no_line(client, log):
    alice = new_caller("alice@example.com", "1")
    secret = base64.b64decode(alice.authorization.removeprefix("Basic ")).decode().split(":")[1]
    answer = alice.post(image=pictures.portrait(), test="1")
    assert answer.status_code == 200
    alice.post(**{"image.url": "http://127.0.0.1:9/photo.jpg?token=hush-hush"})
    client.post("/accounts/login/", {"login": "alice@example.com", "password": "hush-hush"})
    client.get("/accounts/confirm-email/hush-hush/")
    client.get("/accounts/password/reset/key/1-hush-hush/")
    client.get("/nowhere/hush-hush")
    text = log.getvalue()
    for hidden in (secret, alice.authorization.split()[1], "hush-hush", "alice@example.com"):
        assert hidden not in text
    assert len(log.requests()) == 6


def test_faults_do_not_tell_the_path(client, log, monkeypatch):
    from allauth.account import views

    def broken(*args, **kwargs):
        raise RuntimeError("out of ink")

    monkeypatch.setattr(views.ConfirmEmailView, "get", broken)
    client.raise_request_exception = False
    assert client.get("/accounts/confirm-email/hush-hush/").status_code == 500
    assert "out of ink" in log.getvalue()
    assert "hush-hush" not in log.getvalue()


def test_secrets_of_the_settings_are_hidden_wherever_they_turn_up(log):
    logging.getLogger("any").error("The key is %s", all_settings.SECRET_KEY)
    try:
        raise RuntimeError(f"bad key {all_settings.SECRET_KEY}")
    except RuntimeError:
        logging.getLogger("any").exception("It failed")
    assert all_settings.SECRET_KEY not in log.getvalue()
    assert log.getvalue().count(logs.HIDDEN) == 2


def test_no_line_has_room_for_a_picture(log):
    logging.getLogger("any").error("It was %r", pictures.portrait() * 10)
    assert len(log.getvalue()) < 2 * logs.LONGEST


def test_lines_for_people_name_time_level_and_sentence():
    record = logging.LogRecord("any", logging.WARNING, "", 0, "Watch %s", ("out",), None)
    line = logs.formatter("console").format(record)
    assert "warning" in line
    assert "Watch out" in line
    assert "\n" not in line


def test_json_is_chosen_by_setting():
    command = "import logging; logging.getLogger('any').warning('Hello')"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", command],
        cwd=ROOT, env=os.environ | {"LOG_FORMAT": "json"}, capture_output=True, text=True,
    )  # fmt: skip
    assert '"event": "Hello"' in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "SITE_NAME"])
def test_every_setting_may_come_from_a_file(name, tmp_path, monkeypatch):
    (tmp_path / "value").write_text("from the file\n")
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "value"))
    assert env.env.str(name) == "from the file"


def test_a_file_that_is_not_there_stops_the_start(monkeypatch):
    monkeypatch.setenv("SITE_NAME_FILE", "/nowhere")
    with pytest.raises(ValueError, match="SITE_NAME_FILE"):
        env.env.str("SITE_NAME", "")
