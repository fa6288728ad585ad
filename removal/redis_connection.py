"""Connections to Redis, for all parts that leave something there."""

from functools import cache

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

ANSWER_SECONDS = 5


@cache
def connect(url: str) -> redis.Redis:
    """One pool of connections a process and address; safe for threads and forks.

    Those that a restarted server has closed are opened anew before anybody is told.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(ConstantBackoff(0.1), 3),
    )
