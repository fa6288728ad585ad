"""What may be done only so often in an hour: pictures without an account, new API keys."""

import ipaddress
import math
import time
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _
from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from accounts.models import User

from .errors import SlowDown

NEW_KEYS_PER_HOUR = 30


class HourUsedUp(SlowDown):
    """The address has had its pictures; the message is in the visitor's language."""


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(settings.REDIS_URL or "memory://"))


def admit_visitor(address: str) -> None:
    """Count one picture for the address; HourUsedUp names the wait when there are no more."""
    limit = settings.REMOVAL_ANONYMOUS_PER_HOUR
    wait = _count(limit, "visitor", _household(address))
    if not wait:
        return
    places = {"limit": limit, "minutes": math.ceil(wait / 60)}
    raise HourUsedUp(
        _("You have used up this hour's %(limit)d free pictures. Come back in %(minutes)d min.")
        % places,
        retry_after=wait,
    )


def count_new_key(user: User) -> int:
    """Count one new API key of the account; 0, or the seconds to wait where it may have none."""
    return _count(NEW_KEYS_PER_HOUR, "new key", str(user.pk))


def forget_visitors() -> None:
    """Start all counts anew."""
    _limiter().storage.reset()


def _count(limit: int, *who: str) -> int:
    """0 where there was one left, which is counted; else the seconds until there is."""
    hourly = RateLimitItemPerHour(limit)
    if _limiter().hit(hourly, *who):
        return 0
    stats = _limiter().get_window_stats(hourly, *who)
    return max(1, math.ceil(stats.reset_time - time.time()))


def _household(address: str) -> str:
    """The unit that is counted: an IPv4 address, or the /64 that one IPv6 subscriber holds."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
