"""Connections to Redis."""

from functools import cache

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

ANSWER_SECONDS = 5


@cache
def connect(url: str) -> redis.Redis:
    """One connection pool for each process and URL; safe for threads and forks.

    Connections closed by a server restart are reopened transparently.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(ConstantBackoff(0.1), 3),
    )
