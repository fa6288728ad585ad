"""Who can write into Redis can run no code in the web tier."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

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
