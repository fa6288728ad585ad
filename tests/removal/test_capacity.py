"""Places and the line before them, shared by processes through SQLite, PostgreSQL or Redis."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pixian_site.env import env
from removal import capacity
from removal.capacity.database import DatabaseLeases
from removal.capacity.leases import Stay
from removal.capacity.redis import RedisLeases
from removal.errors import ClientGone, SlowDown, StartedTooLate
from removal.models import LeaseRow
from tests.billing import databases

ROOT = Path(__file__).parent.parent.parent
SLOTS, QUEUE, OWN, KEY = 2, 3, 4, 2
FETCHES, OWN_FETCHES = 4, 3
LIFE = 2  # seconds
ALICE, BOB, SOMEBODY = (capacity.Claimant(name) for name in ("alice", "bob", "somebody else"))
PAYER = capacity.Claimant("payer", "key", pays=True)


class Process:
    """tests/removal/capacity_process.py, which obeys."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.removal.capacity_process"],
            cwd=ROOT, env=os.environ | environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def tell(self, command: str) -> None:
        print(command, file=self.process.stdin, flush=True)

    def hear(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.tell(command)
        return self.hear()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "redis"])
def environment(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
    django_db_setup: None,
) -> Iterator[dict[str, str]]:
    """Variables under which processes share their places, and a migrated database for them."""
    limits = {
        "REMOVAL_SLOTS": str(SLOTS),
        "REMOVAL_QUEUE_LENGTH": str(QUEUE),
        "REMOVAL_RESERVED_SLOTS": "0",
        "REMOVAL_ACCOUNT_CONCURRENCY": str(OWN),
        "REMOVAL_KEY_CONCURRENCY": str(KEY),
        "REMOVAL_LEASE_SECONDS": str(LIFE),
        "REDIS_URL": "",
    }
    if request.param == "redis":
        yield limits | {"REDIS_URL": request.getfixturevalue("redis_url")}
        return
    if request.param == "sqlite":
        database = databases.sqlite(tmp_path_factory.mktemp("capacity"))
        url = f"sqlite:///{database['NAME']}"
    else:
        url = databases.new_postgresql_database(request.getfixturevalue("postgres_url"))
        database = dict(env.dj_db_url("", url))
    with django_db_blocker.unblock(), databases.as_default(database):
        yield limits | {"DATABASE_URL": url}


@pytest.fixture
def shared(environment: dict[str, str]) -> Iterator[capacity.Capacity]:
    """The capacity as this process, one of several, has it; nobody is in."""
    url = environment["REDIS_URL"]
    leases = RedisLeases(url, LIFE) if url else DatabaseLeases(LIFE)
    if isinstance(leases, RedisLeases):
        leases.connection.flushdb()
    else:
        LeaseRow.objects.all().delete()
    yield capacity.Capacity(limits_of(), leases)
    if isinstance(leases, RedisLeases):
        leases.connection.close()


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(environment))
        assert started[-1].hear() == "ready"
        return started[-1]

    yield start
    for one in started:
        one.kill()


def limits_of(**own: Any) -> capacity.Limits:
    common = {
        "slots": SLOTS, "queue_length": QUEUE, "queue_seconds": 30,
        "per_account": OWN, "per_key": KEY,
        "fetches": FETCHES, "fetches_per_account": OWN_FETCHES,
    }  # fmt: skip
    return capacity.Limits(**common | own)


def in_line(shared: capacity.Capacity) -> int:
    """At work and waiting for it."""
    return sum(shared.in_line())


def wait_until(true: Callable[[], bool]) -> None:
    """Polls; only a broken program needs the whole minute."""
    pause = threading.Event()
    for _ in range(1200):
        if true():
            return
        pause.wait(0.05)
    pytest.fail("It did not happen within a minute.")


def never() -> bool:
    return False


def test_processes_count_requests_together(shared, process):
    one, two = process(), process()
    answers = [asked.ask(f"admit {n}") for n in range(SLOTS + QUEUE) for asked in (one, two)]
    assert answers.count("admitted") == SLOTS + QUEUE
    with pytest.raises(SlowDown) as caught, shared.admit(SOMEBODY):
        pass
    assert caught.value.retry_after
    assert one.ask("done") == "done"
    with shared.admit(SOMEBODY):
        assert two.ask("admit 9") == "admitted"


def test_processes_count_an_owners_requests_together(shared, process):
    one = process()
    assert [one.ask("admit alice") for _ in range(OWN - 1)] == ["admitted"] * (OWN - 1)
    with shared.admit(ALICE):
        assert shared.free_for(ALICE) == 0
        assert one.ask("admit alice") == "refused"
        with pytest.raises(SlowDown, match="You already have"), shared.admit(ALICE):
            pass
        with shared.admit(BOB):
            pass
    assert one.ask("admit alice") == "admitted"


def test_the_keys_of_an_account_share_its_requests(shared, process):
    one = process()
    asked = [one.ask(f"admit alice {key}") for key in ("first", "first", "first", "second")]
    assert asked == ["admitted", "admitted", "refused", "admitted"]
    with shared.admit(capacity.Claimant("alice", "second")):
        assert one.ask("admit alice third") == "refused"
        assert one.ask("admit bob first-of-bob") == "admitted"
    assert one.ask("admit alice third") == "admitted"


def test_who_pays_finds_room_in_any_crowd_that_does_not(shared, process):
    crowd = process()
    asked = [crowd.ask(f"admit visitor-{n}") for n in range(SLOTS + QUEUE + 1)]
    assert asked == ["admitted"] * (SLOTS + QUEUE) + ["refused"]
    payers = [crowd.ask(f"admit payer-{n} key-{n} pays") for n in range(SLOTS + QUEUE + 1)]
    assert payers == ["admitted"] * (SLOTS + QUEUE) + ["refused"]
    with pytest.raises(SlowDown), shared.admit(PAYER):
        pass


def test_payers_leave_the_others_no_room_that_they_take(shared, process):
    one = process()
    assert [one.ask(f"admit payer-{n} k{n} pays") for n in range(SLOTS + QUEUE)][-1] == "admitted"
    with pytest.raises(SlowDown), shared.admit(SOMEBODY):
        pass


def test_a_test_of_somebody_who_pays_counts_as_a_test(shared, process):
    one = process()
    with shared.admit(PAYER) as admission:
        admission.does_not_pay()
        payers = [one.ask(f"admit payer-{n} key-{n} pays") for n in range(SLOTS + QUEUE)]
        assert payers == ["admitted"] * (SLOTS + QUEUE)
    one.ask("done")
    others = [one.ask(f"admit visitor-{n}") for n in range(SLOTS + QUEUE - 1)]
    assert others == ["admitted"] * (SLOTS + QUEUE - 1)
    with shared.admit(PAYER) as last_that_fits:
        last_that_fits.does_not_pay()
        with shared.admit(PAYER) as one_too_many, pytest.raises(SlowDown):
            one_too_many.does_not_pay()


def test_who_waits_for_a_foreign_server_has_no_spot_in_line(shared, process):
    one = process()
    with shared.admit(ALICE) as first, shared.admit(BOB) as second:
        with first.fetching(), second.fetching():
            asked = [one.ask(f"admit visitor-{n}") for n in range(SLOTS + QUEUE + 1)]
            assert asked == ["admitted"] * (SLOTS + QUEUE) + ["refused"]
            one.ask("done")
        assert one.ask("admit alice") == "admitted"


def test_a_line_that_filled_during_the_fetch_is_429(shared, process):
    one = process()

    def crowd_in() -> None:
        for number in range(SLOTS + QUEUE):
            one.ask(f"admit visitor-{number}")

    with pytest.raises(SlowDown), shared.admit(ALICE) as admission, admission.fetching():
        crowd_in()
    one.ask("done")
    assert shared.free_for(ALICE) == OWN


def test_fetches_are_bounded_for_an_account_and_in_all_but_not_by_others_for_who_pays(shared):
    def begin(claimant: capacity.Claimant) -> None:
        fetching.enter_context(fetching.enter_context(shared.admit(claimant)).fetching())

    with ExitStack() as fetching:
        for _ in range(OWN_FETCHES):
            begin(ALICE)
        with pytest.raises(SlowDown, match="fetched from URLs at the same time"):
            begin(ALICE)
        begin(BOB)
        with pytest.raises(SlowDown, match="Too many pictures are being fetched"):
            begin(SOMEBODY)
        begin(PAYER)


def test_no_more_work_than_there_are_places_whoever_asks(shared, process, tmp_path):
    journal = tmp_path / "journal"
    rushing = [process() for _ in range(3)]
    for one in rushing:
        one.tell(f"rush 6 {journal}")
    assert [one.hear() for one in rushing] == ["rushed"] * 3
    most = dict.fromkeys(("admitted", "working"), 0)
    now = dict(most)
    for line in journal.read_text().splitlines():
        what, sign = line.split()
        now[what] += 1 if sign == "+" else -1
        most[what] = max(most[what], now[what])
    assert 0 < most["working"] <= SLOTS
    assert SLOTS < most["admitted"] <= SLOTS + QUEUE
    assert in_line(shared) == 0


def test_places_are_given_in_the_order_of_asking(shared, process):
    first, second, third = process(), process(), process()
    with shared.slot(never):
        assert first.ask("work") == "working"
        second.tell("work")
        wait_until(lambda: in_line(shared) == 3)
        third.tell("work")
        wait_until(lambda: in_line(shared) == 4)
        first.ask("done")
        assert second.hear() == "working"
        assert in_line(shared) == 3  # this process, the second, and the third still waiting
    assert third.hear() == "working"


def test_who_pays_goes_before_who_waits_but_not_before_who_works(shared, process):
    working, visitor, payer = process(), process(), process()
    with shared.slot(never):
        assert working.ask("work") == "working"
        visitor.tell("work")
        wait_until(lambda: shared.in_line() == (SLOTS, 1))
        payer.tell("work first")
        wait_until(lambda: shared.in_line() == (SLOTS, 2))
        working.ask("done")
        assert payer.hear() == "working"
        assert shared.in_line() == (SLOTS, 1)
    assert visitor.hear() == "working"


def test_reserved_slots_are_for_who_goes_first(shared):
    reserving = capacity.Capacity(limits_of(reserved_slots=1, queue_seconds=0), shared._leases)
    with reserving.slot(never):
        with pytest.raises(StartedTooLate), reserving.slot(never):
            pass
        with reserving.slot(never, goes_first=True):
            assert reserving.in_line() == (SLOTS, 0)


def test_what_a_killed_process_held_comes_free(shared, process):
    doomed = process()
    assert [doomed.ask("admit alice") for _ in range(OWN)] == ["admitted"] * OWN
    assert [doomed.ask("work") for _ in range(SLOTS)] == ["working"] * SLOTS
    doomed.kill()
    with shared.slot(never):
        assert shared.free_for(ALICE) == OWN


def test_a_living_process_keeps_its_place_beyond_a_leases_life(shared, process):
    one = process()
    assert [one.ask("work") for _ in range(SLOTS)] == ["working"] * SLOTS
    impatient = capacity.Capacity(limits_of(queue_seconds=2 * LIFE), shared._leases)
    with pytest.raises(StartedTooLate), impatient.slot(never):
        pass
    assert in_line(shared) == SLOTS


def test_who_hangs_up_in_line_leaves_it(shared):
    with shared.slot(never), shared.slot(never):
        asked = iter([False, True])
        with pytest.raises(ClientGone), shared.slot(lambda: next(asked)):
            pass
        assert in_line(shared) == SLOTS


def test_an_error_at_work_frees_the_place(shared):
    with pytest.raises(RuntimeError), shared.admit(ALICE), shared.slot(never):
        raise RuntimeError
    assert in_line(shared) == 0
    assert shared.free_for(ALICE) == OWN


def test_a_lease_that_was_given_back_is_not_renewed(shared):
    leases, stay = shared._leases, Stay("given back")
    stay.pools = frozenset({"account:alice"})
    leases.enter(stay.lease, {"account:alice": 1})
    leases.leave(stay)
    leases.renew([stay])
    assert leases.count("account:alice") == 0
    assert leases.enter("another", {"account:alice": 1}) is None


def test_a_lease_does_not_count_against_itself(shared):
    for _ in range(2):
        assert shared._leases.enter("again", {"account:alice": 1}) is None
    assert shared._leases.enter("another", {"account:alice": 1}) is not None


def test_lapsed_leases_do_not_count(shared):
    """Also where others in the pool live on."""
    leases = shared._leases
    leases.enter("living", {"account:alice": None})
    living, leases.life = leases.life, 0.05
    if isinstance(leases, RedisLeases):
        leases._milliseconds = 50
    leases.enter("lapsed", {"account:alice": None})
    leases.life = living
    if isinstance(leases, RedisLeases):
        leases._milliseconds = 60_000
    leases.enter("another", {"account:alice": None})
    wait_until(lambda: leases.count("account:alice") == 2)


def test_a_redis_that_forgot_lets_those_in_line_enter_again(redis_url):
    leases = RedisLeases(redis_url, LIFE)
    leases.connection.flushdb()
    shared = capacity.Capacity(limits_of(slots=1), leases)
    worked = threading.Event()

    def work() -> None:
        with shared.slot(never):
            worked.set()

    waiting = threading.Thread(target=work)
    with shared.slot(never):
        waiting.start()
        wait_until(lambda: in_line(shared) == 2)
        leases.connection.flushdb()
        assert worked.wait(30)
    waiting.join()
    leases.connection.close()


def test_redis_counts_where_there_is_one_else_the_database(settings, redis_url):
    for url, kind in ((redis_url, RedisLeases), ("", DatabaseLeases)):
        settings.REDIS_URL = url
        capacity.shared.cache_clear()
        assert isinstance(capacity.shared()._leases, kind)
    capacity.shared.cache_clear()


@pytest.mark.django_db
def test_lapsed_rows_do_not_stay_for_the_next_request():
    from removal.capacity import database

    DatabaseLeases(-1).enter("lapsed", {"account:203.0.113.7": None})
    database.purge()
    assert not LeaseRow.objects.exists()
