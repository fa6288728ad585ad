"""Hourly limits: free pictures of the page, mending, tests, new API keys, data exports."""

import ipaddress
import math
import time
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _
from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from accounts.models import User

from .errors import SlowDown

ONE = Decimal(1)
NEW_KEYS_PER_HOUR = 30
# What scribbles may cost: about ten minutes of a core. 400 on a picture of 12 megapixels.
MENDED_MEGAPIXELS_PER_HOUR = 5_000
EXPORTS_PER_HOUR = 1
SAMPLES_PER_HOUR = 60  # no network runs for them, but each is stored


class HourUsedUp(SlowDown):
    """The hourly limit of the IP address or account is used up; the message suits the page too."""


@cache
def _limiter() -> MovingWindowRateLimiter:
    if not settings.REDIS_URL:
        return MovingWindowRateLimiter(storage_from_string("memory://"))
    name = f"{settings.REDIS_PREFIX}limits"
    return MovingWindowRateLimiter(storage_from_string(settings.REDIS_URL, key_prefix=name))


@dataclass(frozen=True, slots=True)
class Allowance:
    """The page's free pictures of the current hour. wait: seconds until one more is free."""

    limit: int
    left: int
    wait: int = 0


def allowance(user: User | None, address: str) -> Allowance:
    """What is left of an account's free pictures or, without one, of the IP address's."""
    limit, *who = _picker(user, address)
    stats = _limiter().get_window_stats(RateLimitItemPerHour(limit), *who)
    left = max(0, min(stats.remaining, limit))
    return Allowance(limit, left, 0 if left else _wait(RateLimitItemPerHour(limit), *who))


def admit_free_picture(user: User | None, address: str, factor: Decimal = ONE) -> None:
    """Count one free picture of the page; raises HourUsedUp, which names the wait.

    factor: of its network: the work of several pictures counts as several."""
    limit, *who = _picker(user, address)
    wait = _count(limit, *who, cost=_cost(factor, limit))
    if not wait:
        return
    if not limit:
        raise HourUsedUp(_("There are no free pictures here."), retry_after=wait)
    places = {"limit": limit, "minutes": math.ceil(wait / 60)}
    raise HourUsedUp(
        _("You have used up this hour's %(limit)d free pictures. Come back in %(minutes)d min.")
        % places,
        retry_after=wait,
    )


def admit_sample(user: User | None, address: str) -> None:
    """Count one sample of the page, whose result is stored already; raises HourUsedUp."""
    _limit, *who = _picker(user, address)
    if wait := _count(SAMPLES_PER_HOUR, "sample", *who):
        raise HourUsedUp(
            _("You have opened very many samples this hour. Come back in %(minutes)d min.")
            % {"minutes": math.ceil(wait / 60)},
            retry_after=wait,
        )


def _picker(user: User | None, address: str) -> tuple[int, str, str]:
    """The pictures an hour, and whose they are."""
    if user is not None:
        return settings.REMOVAL_SIGNED_IN_PER_HOUR, "signed in", str(user.pk)
    return settings.REMOVAL_ANONYMOUS_PER_HOUR, "visitor", household(address)


def check_free_tests(user: User) -> None:
    """Raises HourUsedUp if the account has no free test left; counts none."""
    limit = _free_tests()
    if limit and not _limiter().test(limit, *_tester(user)):
        raise _tests_used_up(limit, _wait(limit, *_tester(user)))


def take_free_test(user: User, factor: Decimal = ONE) -> None:
    """Count one free test of the account, exactly, even for concurrent ones. Raises HourUsedUp.

    factor: as for `admit_free_picture`."""
    limit = _free_tests()
    if limit and not _limiter().hit(limit, *_tester(user), cost=_cost(factor, limit.amount)):
        raise _tests_used_up(limit, _wait(limit, *_tester(user)))


def check_empty(user: User) -> None:
    """Raises HourUsedUp if an account that pays has had very many pictures in which nothing was
    found, which cost nothing: as many as free tests."""
    limit = _free_tests()
    if limit and not _limiter().test(limit, *_empty(user)):
        wait = _wait(limit, *_empty(user))
        raise HourUsedUp(
            f"Nothing was found in {limit.amount:,} of this account's pictures within an hour, all "
            f"of them free. The next request is taken in {math.ceil(wait / 60)} min.",
            retry_after=wait,
        )


def count_empty(user: User, factor: Decimal = ONE) -> None:
    """Count one paid picture in which nothing was found. factor: as for `admit_free_picture`."""
    limit = _free_tests()
    if limit:
        _limiter().hit(limit, *_empty(user), cost=_cost(factor, limit.amount))


def _empty(user: User) -> tuple[str, str]:
    return "empty", str(user.pk)


def _free_tests() -> RateLimitItemPerHour | None:
    amount = settings.REMOVAL_FREE_TESTS_PER_HOUR
    return RateLimitItemPerHour(amount) if amount else None


def _tester(user: User) -> tuple[str, str]:
    return "free test", str(user.pk)


def _tests_used_up(limit: RateLimitItemPerHour, wait: int) -> HourUsedUp:
    return HourUsedUp(
        f"This account has used up this hour's {limit.amount:,} free tests. The next one is free "
        f"in {math.ceil(wait / 60)} min. Requests that cost credits are not limited.",
        retry_after=wait,
    )


def count_new_key(user: User) -> int:
    """Count one new API key of the account; 0, or the seconds to wait at the limit."""
    return _count(NEW_KEYS_PER_HOUR, "new key", str(user.pk))


def admit_mending(who: str, pixels: int) -> None:
    """Count what a request of an account or an address works on, each megapixel begun as one.
    Raises HourUsedUp."""
    wait = _count(MENDED_MEGAPIXELS_PER_HOUR, "mending", who, cost=1 + pixels // 1_000_000)
    if wait:
        raise HourUsedUp(
            _("You have scribbled very much this hour. Go on in %(minutes)d min.")
            % {"minutes": math.ceil(wait / 60)},
            retry_after=wait,
        )


def count_export(user: User) -> int:
    """Count one export of the account's data; 0, or the seconds to wait."""
    return _count(EXPORTS_PER_HOUR, "export", str(user.pk))


def forget_visitors() -> None:
    """Reset all counts."""
    _limiter().storage.reset()


def _count(limit: int, *who: str, cost: int = 1) -> int:
    """Count `cost` and return 0, or return the seconds until one is free."""
    hourly = RateLimitItemPerHour(limit)
    return 0 if _limiter().hit(hourly, *who, cost=cost) else _wait(hourly, *who)


def _cost(factor: Decimal, limit: int) -> int:
    """What a free picture counts as: at least one, at most the hour's all."""
    return max(1, min(math.ceil(factor), limit))


def _wait(hourly: RateLimitItemPerHour, *who: str) -> int:
    """The seconds until one is free."""
    stats = _limiter().get_window_stats(hourly, *who)
    return max(1, math.ceil(stats.reset_time - time.time()))


def household(address: str) -> str:
    """The counted unit: an IPv4 address, or the /64 network of an IPv6 subscriber."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
