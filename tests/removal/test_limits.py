"""The visitors' hour, counted by one process or, through a real Valkey, by all of them together."""

import pytest

from removal import limits


@pytest.fixture
def two_an_hour(settings, redis_url):
    settings.REMOVAL_ANONYMOUS_PER_HOUR = 2
    settings.REDIS_URL = redis_url
    limits._limiter.cache_clear()
    limits.forget_visitors()
    yield
    limits.forget_visitors()
    limits._limiter.cache_clear()


def test_processes_count_together_through_redis(two_an_hour):
    limits.admit_free_picture(None, "203.0.113.7")
    limits._limiter.cache_clear()  # as another process, with a connection of its own
    limits.admit_free_picture(None, "203.0.113.7")
    with pytest.raises(limits.HourUsedUp) as caught:
        limits.admit_free_picture(None, "203.0.113.7")
    assert caught.value.retry_after > 3000


def test_each_address_has_its_own_hour_and_an_ipv6_household_shares_one(two_an_hour):
    limits.admit_free_picture(None, "2001:db8:1:2::1")
    limits.admit_free_picture(None, "2001:db8:1:2::ffff")
    limits.admit_free_picture(None, "2001:db8:1:3::1")
    limits.admit_free_picture(None, "203.0.113.8")
    with pytest.raises(limits.HourUsedUp):
        limits.admit_free_picture(None, "2001:db8:1:2:3::9")
