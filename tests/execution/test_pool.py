"""The engine's processes by themselves: what a picture gets from one, and what becomes of it."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from removal import engine
from removal.engine import threads
from removal.engine.mending import Mending
from removal.engine.networks import session
from removal.errors import ClientGone, EngineUnavailable, TookTooLong, WorkInterrupted
from removal.execution import Job, budget, readiness, wire
from removal.execution import pool as pools
from removal.execution.engine_process import EngineProcess
from removal.execution.pace import Pace
from removal.execution.pool import Pool
from tests import pictures

pytestmark = pytest.mark.xdist_group("engine processes")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(1)
    pool.start()
    pool.wait()
    yield pool
    pool.close()


PLAIN = engine.Options()


def job(data: bytes = b"", options: engine.Options = PLAIN, seconds: float = 60) -> Job:
    data = data or pictures.portrait()
    return Job(data, engine.inspect(data), options, time.monotonic() + seconds, lambda: False)


def pid_of(pool: Pool) -> int:
    pool.wait()
    process = pool.slots[0].process
    assert process is not None
    return process.pid


def test_a_picture_is_as_if_cut_out_here(pool):
    blue = pictures.blank(colour=(0, 0, 255))
    options = engine.Options(target_size=(120, 90), output_format="png", crop_to_foreground=True)
    answer, content = pool.run(replace(job(options=options), beside=blue))
    here = engine.remove_background(pictures.portrait(), options, background=blue)
    assert isinstance(answer, wire.Done)
    assert (answer.media_type, answer.facts) == (here.media_type, here.facts)
    assert (pictures.pixels(content) == pictures.pixels(here.content)).all()
    assert list(answer.stages) == ["decode", "mask", "refine", "foreground", "compose", "encode"]


def test_a_process_that_is_killed_while_it_starts_gives_the_likely_cause():
    process = EngineProcess(1)
    process.kill()
    greeting = process.greet(60)
    process.close()
    assert isinstance(greeting, wire.Unavailable)
    assert "where memory runs out" in greeting.reason


def test_this_process_loads_no_network(pool):
    pool.run(job())
    before = dict(session._loaded)
    pool.run(job())
    assert session._loaded == before


def test_errors_of_the_engine_come_as_they_are_and_the_process_stays(pool):
    before = pid_of(pool)
    answer, _ = pool.run(job(pictures.portrait(1000, 1200)[:-9000]))
    assert isinstance(answer, wire.Failed)
    assert isinstance(answer.error, engine.UnreadableImage)
    assert pid_of(pool) == before


def test_what_nobody_foresaw_comes_with_its_traceback(pool):
    answer, _ = pool.run(job(options=engine.Options(output_format="no such format")))
    assert isinstance(answer, wire.Broken)
    assert "Traceback" in answer.detail


def test_hanging_up_ends_the_work_not_the_process(pool):
    before = pid_of(pool)
    with pytest.raises(ClientGone):
        pool.run(replace(job(pictures.portrait(3000, 3000)), disconnected=lambda: True))
    assert pid_of(pool) == before
    assert isinstance(pool.run(job())[0], wire.Done)


def test_a_late_cancellation_says_nothing_to_the_next_picture(pool):
    process = pool.slots[0].process
    process._connection.send_bytes(wire.CANCEL)
    assert isinstance(pool.run(job())[0], wire.Done)


def test_a_process_that_does_not_answer_in_time_is_replaced(pool):
    stopped = pid_of(pool)
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(TookTooLong):
        pool.run(job(seconds=0.5))
    assert pool.slots[0].state == "stuck"
    assert isinstance(pool.run(job())[0], wire.Done)
    assert pool.slots[0].state == "up"
    assert pid_of(pool) != stopped


def test_a_process_that_dies_between_pictures_is_replaced(pool, wait_until):
    before = pid_of(pool)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of(pool) != before)
    assert isinstance(pool.run(job())[0], wire.Done)


def test_a_process_that_dies_at_work_fails_that_picture_alone(pool):
    os.kill(pid_of(pool), signal.SIGSTOP)
    dying = replace(job(), disconnected=lambda: bool(os.kill(pid_of(pool), signal.SIGKILL)))
    with pytest.raises(WorkInterrupted):
        pool.run(dying)
    assert isinstance(pool.run(job())[0], wire.Done)


def test_without_weights_it_says_so_and_tries_again(monkeypatch):
    monkeypatch.setenv("REMOVAL_MODELS_DIR", "/nonexistent")
    pool = Pool(1)
    try:
        with pytest.raises(EngineUnavailable) as caught:
            pool.run(job())
        assert "not installed" in caught.value.detail
        assert pool.slots[0].state == "failed"
    finally:
        pool.close()


def test_a_closed_pool_leaves_no_process():
    pool = Pool(2)
    pool.start()
    pool.wait()
    processes = [slot.process for slot in pool.slots]
    pool.close()
    assert all(process.wait() == -signal.SIGKILL for process in processes)


def test_time_for_work_grows_with_the_picture_and_has_a_floor(settings):
    settings.REMOVAL_WORK_SECONDS, settings.REMOVAL_WORK_FACTOR = 10, 20
    pace = Pace(network=0.1, per_megapixel=0.05)
    small, large = job(), job(pictures.portrait(4000, 4000))
    assert budget.seconds(pace, small) == 10
    assert budget.seconds(pace, large) == pytest.approx(20 * (0.1 + 0.05 * 32))
    enlarged = job(options=engine.Options(target_size=(5000, 5000)))
    assert budget.seconds(pace, enlarged) == pytest.approx(20 * (0.1 + 0.05 * 25.048))
    assert budget.seconds(Pace(3, 0.05), small) > 60


def test_a_process_that_started_on_a_busy_machine_gets_no_more_time(settings):
    settings.REMOVAL_WORK_SECONDS, settings.REMOVAL_WORK_FACTOR = 1, 20
    two, info = Pool(2), session.EngineInfo("isnet", "cpu", "best", 1)
    for slot, measured in zip(two.slots, (Pace(0.5, 0.2), Pace(4, 0.1)), strict=True):
        started = SimpleNamespace(
            pid=0, greet=lambda _, pace=measured: wire.Warm(info, pace, ("isnet",))
        )
        two._make_ready(slot, cast(EngineProcess, started))
    order = job()
    for slot in two.slots:
        two._take(order)
        assert slot.until - slot.began == pytest.approx(budget.seconds(Pace(0.5, 0.1), order))


def test_a_picture_has_no_more_time_where_its_network_is_loaded_first(pool, settings):
    """Else whoever names the network that is not in memory holds a slot up to the deadline."""
    settings.REMOVAL_WORK_SECONDS, settings.REMOVAL_WORK_FACTOR = 5, 10
    (slot,) = pool.slots
    other = replace(PLAIN, model="isnet")
    asked = job(options=other, seconds=600)
    work_copy = replace(asked, mending=Mending("prepare", asked.header.size))
    assert pool._seconds(slot, work_copy) == budget.seconds(slot.warm.pace, work_copy)
    assert isinstance(pool.run(asked)[0], wire.Done)
    assert "isnet" in slot.loaded
    assert slot.until - slot.began < 120
    assert slot.until - slot.began == pytest.approx(budget.seconds(pool._paces["isnet"], asked))
    refused = replace(job(options=other), data=b"GIF89a")
    assert isinstance(pool.run(refused)[0], wire.Failed)
    assert slot.until - slot.began < 120


def test_one_stuck_place_of_two_is_a_warning_and_of_all_a_reason(settings, monkeypatch):
    two = Pool(2)
    monkeypatch.setattr(pools, "shared", lambda: two)
    assert "starting" in readiness.state().reasons[0]
    one, other = two.slots
    one.warm = wire.Warm(session.EngineInfo("isnet", "cpu", "best", 1), Pace(1, 1))
    other.was_stuck = True
    state = readiness.state()
    assert (state.model, state.reasons, state.stuck) == ("isnet", (), 1)
    assert "A slot is stuck (1 of 2)" in state.warnings[0]
    one.busy, one.began, one.until = True, time.monotonic() - 60, time.monotonic() + 40
    state = readiness.state()
    assert (state.model, state.stuck) == (None, 2)
    assert state.reasons == state.warnings


def test_places_share_the_cores_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("REMOVAL_THREADS", raising=False)
    monkeypatch.setattr(threads, "available_cores", lambda: 8)
    assert [pools.threads_each(places) for places in (1, 3, 4, 20)] == [8, 3, 2, 1]
    monkeypatch.setenv("REMOVAL_THREADS", "6")
    assert pools.threads_each(4) == 6
