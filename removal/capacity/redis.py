"""Leases in Redis or a compatible server: one script, so one atomic step for all processes.

A pool is two sorted sets of leases: by order of entering, and by time of expiry. Only the server's
clock counts. A server that was restarted empty has lost the leases; running requests then finish
uncounted, which corrects itself within seconds.
"""

from collections.abc import Collection

from removal.redis_connection import connect

from .leases import Full, Limits, Stay

_COMMON = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function text(number) return string.format('%.0f', number) end
local function tidy(order, ends)
  for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', text(now))) do
    redis.call('ZREM', order, lapsed)
    redis.call('ZREM', ends, lapsed)
  end
end
local function enter(order, ends, lease, life)
  local last = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', order, text(math.max(now, last + 1)), lease)
  redis.call('ZADD', ends, text(now + life * 1000), lease)
  redis.call('PEXPIRE', order, life)
  redis.call('PEXPIRE', ends, life)
end
"""
# KEYS: order and ends of each pool: those to enter, to leave, to stand behind. ARGV: lease, life in
# ms, how many pools to enter and to leave, the limit of each to enter or -1. Returns the number of
# the first full pool, or 0, and by how many it is over. A waiting lease that was lost by a
# restarted server enters the pools to leave again, at their end.
_ENTER = """
local lease, life = ARGV[1], tonumber(ARGV[2])
local entered, left = tonumber(ARGV[3]), tonumber(ARGV[4])
local function order(n) return KEYS[2 * n - 1] end
local function ends(n) return KEYS[2 * n] end
for n = 1, #KEYS / 2 do tidy(order(n), ends(n)) end
local ahead = 0
for n = entered + left + 1, #KEYS / 2 do
  ahead = ahead + (redis.call('ZRANK', order(n), lease) or redis.call('ZCARD', order(n)))
end
for n = 1, entered do
  local limit = tonumber(ARGV[n + 4])
  local over = redis.call('ZCARD', order(n)) + ahead - limit
  if redis.call('ZRANK', order(n), lease) then over = over - 1 end
  if limit >= 0 and over >= 0 then
    for m = entered + 1, entered + left do
      if not redis.call('ZRANK', order(m), lease) then enter(order(m), ends(m), lease, life) end
    end
    return {n, over}
  end
end
for m = entered + 1, entered + left do
  redis.call('ZREM', order(m), lease)
  redis.call('ZREM', ends(m), lease)
end
for n = 1, entered do enter(order(n), ends(n), lease, life) end
return {0, 0}
"""
# KEYS: order, ends.
_COUNT = """
tidy(KEYS[1], KEYS[2])
return redis.call('ZCARD', KEYS[1])
"""
# KEYS: order and ends of each pool. ARGV: lease, life in ms.
_RENEW = """
for n = 1, #KEYS / 2 do
  if redis.call('ZSCORE', KEYS[2 * n - 1], ARGV[1]) then
    redis.call('ZADD', KEYS[2 * n], text(now + ARGV[2] * 1000), ARGV[1])
    redis.call('PEXPIRE', KEYS[2 * n - 1], ARGV[2])
    redis.call('PEXPIRE', KEYS[2 * n], ARGV[2])
  end
end
"""


class RedisLeases:
    def __init__(self, url: str, life: float, prefix: str = "") -> None:
        """prefix: of the names of all keys."""
        self.life = life
        self._prefix = prefix
        self.connection = connect(url)
        self._milliseconds = round(life * 1000)
        self._enter, self._count, self._renew = (
            self.connection.register_script(_COMMON + script) for script in (_ENTER, _COUNT, _RENEW)
        )

    def enter(
        self,
        lease: str,
        limits: Limits,
        leaving: Collection[str] = (),
        behind: Collection[str] = (),
    ) -> Full | None:
        numbers = [-1 if limit is None else limit for limit in limits.values()]
        number, over = self._enter(
            self._keys(*limits, *leaving, *behind),
            [lease, self._milliseconds, len(limits), len(leaving), *numbers],
        )
        return Full(list(limits)[int(number) - 1], int(over)) if number else None

    def count(self, pool: str) -> int:
        return int(self._count(self._keys(pool)))

    def renew(self, stays: Collection[Stay]) -> None:
        for stay in stays:
            self._renew(self._keys(*stay.pools), [stay.lease, self._milliseconds])

    def leave(self, stay: Stay) -> None:
        with self.connection.pipeline() as commands:
            for key in self._keys(*stay.pools):
                commands.zrem(key, stay.lease)
            commands.execute()

    def _keys(self, *pools: str) -> list[str]:
        return [
            f"{self._prefix}capacity:{pool}:{part}" for pool in pools for part in ("order", "ends")
        ]
