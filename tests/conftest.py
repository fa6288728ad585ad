"""Fixtures that all tests share: real databases and queues of their own, and a cast of people."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

# The small network is as real as the large one and faster; tests of the large one say so.
os.environ.setdefault("REMOVAL_MODEL", "u2netp")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores already; threads that wait for each other would only burn them.
    os.environ.setdefault("REMOVAL_THREADS", "1")

# Playwright's event loop lives in the thread of the test; Django's guard against blocking database
# calls in an event loop does not apply to tests that drive a browser.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# How long an example takes depends on who else uses the machine, which no test is about.
hypothesis.settings.register_profile("pixian", deadline=None)
hypothesis.settings.load_profile("pixian")


# Minutes of whole deployments: run where they are named, as `make test-e2e` does.
collect_ignore = ["e2e"]


@pytest.fixture(scope="session", autouse=True)
def compiled_translations() -> None:
    """The catalogues that Django reads; in service `manage.py serve` compiles them."""
    from django.conf import settings

    from pixian_site import translations

    for folder in settings.LOCALE_PATHS:
        translations.compile_all(folder)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file of this run, so that threads and write-ahead logging are as in service."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL: DATABASE_URL's, else one started for this run."""
    configured = os.environ.get("DATABASE_URL", "")
    if configured.startswith("postgres"):
        yield configured
        return
    from tests import parts

    with parts.postgresql(tmp_path_factory.mktemp("postgres")) as server:
        yield server.get_uri()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Valkey: REDIS_URL's, else one started for this run."""
    configured = os.environ.get("REDIS_URL", "")
    if configured:
        yield configured
        return
    from tests import parts

    with parts.valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.connection_url


@pytest.fixture(scope="session", autouse=True)
def ledger_can_be_emptied() -> Iterator[None]:
    """Let the flush between transactional tests pass the ledger's triggers.

    The flush's post_migrate signal puts them back.
    """
    from django.core.management.commands import flush

    from billing.append_only import drop_triggers

    real = flush.sql_flush  # type: ignore[attr-defined]

    def sql_flush(style, connection, **options):
        drop_triggers(connection.alias)
        return real(style, connection, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", sql_flush)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_need_no_collecting() -> Iterator[None]:
    """Pages name static files as they lie in the tree; hashed names need `collectstatic` first."""
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": plain}):
        yield


@pytest.fixture
def stripe(settings: Any) -> Iterator[Any]:
    """The fake Stripe, as the one that the site talks to; it may not have been misused."""
    from tests.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, FakeStripe

    fake = FakeStripe().start()
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = SECRET_KEY, [WEBHOOK_SECRET]
    settings.STRIPE_API_BASE = fake.url
    yield fake
    fake.stop()
    assert fake.broken == []


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], Any]:
    """Polls for what is true at last; only a broken program needs the whole minute."""

    def wait(found: Callable[[], Any]) -> Any:
        pause = threading.Event()
        for _ in range(3000):
            if thing := found():
                return thing
            pause.wait(0.02)
        return pytest.fail("It did not happen within a minute.")

    return wait
