"""How many pictures a visitor without an account may have made in an hour."""

import ipaddress
import math
import time
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _
from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from .errors import SlowDown


class HourUsedUp(SlowDown):
    """The address has had its pictures; the message is in the visitor's language."""


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(settings.REDIS_URL or "memory://"))


def admit_visitor(address: str) -> None:
    """Count one picture for the address; HourUsedUp names the wait when there are no more."""
    hourly = RateLimitItemPerHour(settings.REMOVAL_ANONYMOUS_PER_HOUR)
    who = _household(address)
    if _limiter().hit(hourly, "visitor", who):
        return
    stats = _limiter().get_window_stats(hourly, "visitor", who)
    wait = max(1, math.ceil(stats.reset_time - time.time()))
    places = {"limit": settings.REMOVAL_ANONYMOUS_PER_HOUR, "minutes": math.ceil(wait / 60)}
    raise HourUsedUp(
        _("You have used up this hour's %(limit)d free pictures. Come back in %(minutes)d min.")
        % places,
        retry_after=wait,
    )


def forget_visitors() -> None:
    """Start all counts anew."""
    _limiter().storage.reset()


def _household(address: str) -> str:
    """The unit that is counted: an IPv4 address, or the /64 that one IPv6 subscriber holds."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
