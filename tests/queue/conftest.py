"""Two web servers, one worker process, PostgreSQL and Valkey, all of them real."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import deployment, pictures
from tests.billing.databases import new_postgresql_database
from tests.deployment import Deployment


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="package")
def deployed(folder: Path, postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    """One place and one that waits for it, so that it is soon full; little time for work."""
    own_redis = urlsplit(redis_url)._replace(path="/1").geturl()
    limits = {
        "REMOVAL_SLOTS": "1",
        "REMOVAL_QUEUE_LENGTH": "1",
        "REMOVAL_WORK_SECONDS": "6",
        "REMOVAL_WORK_FACTOR": "3",
    }
    database = new_postgresql_database(postgres_url)
    with deployment.deployed(folder, own_redis, database, servers=2, **limits) as running:
        yield running


@pytest.fixture(scope="package")
def authorization(deployed: Deployment) -> dict[str, str]:
    """The header of somebody with a hundred credits."""
    server = deployed.servers[0]
    pair = server.manage("issue_api_key", "queue@example.com")
    server.manage("grant_credits", "queue@example.com", "100", "--reason", "for the test")
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@pytest.fixture(scope="session")
def large_photo() -> bytes:
    """25 megapixels: work for some seconds."""
    return pictures.portrait(5000, 5000)
