"""The chaos of `make chaos`, for three rounds on one web server."""

import random

import pytest

from tests.storms import chaos

pytestmark = pytest.mark.xdist_group("chaos")


def test_the_service_survives_a_dead_worker_a_stuck_engine_and_a_lost_storage(tmp_path, capfd):
    random.seed(7)
    with chaos.site(tmp_path, servers=1) as site:
        course = ["a worker process killed", "an engine process stuck", "the storage away"]
        faults = chaos.run(site, course, clients=2)
    assert faults == [], (tmp_path / "log").read_text()[-4000:]
    assert "'200':" in capfd.readouterr().out
