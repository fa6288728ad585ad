"""Who can write into Redis can run no code in the web tier."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import redis

from tests.serving import ROOT

READ = (
    "import django; django.setup();"
    "from django.core.cache import cache;"
    "cache.set('counts', [1.5, 2.5], 60); cache.add('number', 1, 60); cache.incr('number');"
    "print(cache.get('counts'), cache.get('number'), cache.get('nothing'));"
    "cache.get('planted')"
)


class Payload:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_what_a_stranger_puts_into_the_cache_is_not_run(redis_url, tmp_path):
    planted = tmp_path / "was run"
    redis.Redis.from_url(redis_url).set(":1:planted", pickle.dumps(Payload(planted)))
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "pixian_site.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", READ], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "[1.5, 2.5] 2 None\n", done.stderr
    assert not planted.exists()


USES = """
import django; django.setup()
from django.core.cache import cache
from accounts.models import User
from removal import capacity, limits
from removal.execution import mailbox, tasks
cache.set("counted", 1, 60)
limits.count_new_key(User(pk=1))
staying = capacity.shared().admit(capacity.Claimant("account", "key", True))
staying.__enter__()  # and does not leave
mailbox.answer("done", "word")
mailbox.cancel("gone")
mailbox.take("taken", "worker")
mailbox.report("worker", {})
answered = mailbox.wait_for_answer(["done"], 1)
print(len(mailbox.workers()), answered.message, cache.get("counted"))
tasks.remove_background.apply_async(("work", {}, 1.0), queue="interactive")
import json, redis
from django.conf import settings
print(json.dumps([key.decode() for key in redis.Redis.from_url(settings.REDIS_URL).scan_iter()]))
"""


def used(url: str, folder: Path, prefix: str) -> str:
    environment = os.environ | {
        "REDIS_URL": url,
        "REDIS_PREFIX": prefix,
        "REMOVAL_EXECUTION": "queue",
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "pixian_site.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", USES], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sites_that_share_one_redis_share_no_key(redis_url, tmp_path):
    own = urlsplit(redis_url)._replace(path="/7").geturl()
    connection = redis.Redis.from_url(own)
    connection.flushdb()
    for prefix in ("one:", "two:"):
        said, keys = used(own, tmp_path, prefix).splitlines()
        assert said == "1 word 1"
        keys = json.loads(keys)
        assert {key for key in keys if not key.startswith(("one:", "two:"))} == set()
        for part in (":1:counted", "limits", "capacity:", "execution:", "interactive", "_kombu"):
            assert any(key.startswith(prefix + part) for key in keys), (part, keys)
