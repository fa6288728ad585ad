"""Leases in Redis, or any server that speaks its language: one script, one step for all processes.

A pool is two sorted sets: who is in it by the order of entering, and by when the stay lapses. The
server's own clock counts for everybody. One that was restarted empty has forgotten who is in;
requests that are under way then finish uncounted, which mends itself within seconds.
"""

from collections.abc import Collection, Mapping

from removal.redis_connection import connect

from .leases import Lease

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
# KEYS: order and ends of each pool. ARGV: lease, life in ms, each pool's limit or -1.
# Returns the number of the first full pool, or 0.
_ENTER = """
for n = 1, #KEYS / 2 do
  tidy(KEYS[2 * n - 1], KEYS[2 * n])
  local limit = tonumber(ARGV[n + 2])
  if limit >= 0 and redis.call('ZCARD', KEYS[2 * n]) >= limit then return n end
end
for n = 1, #KEYS / 2 do enter(KEYS[2 * n - 1], KEYS[2 * n], ARGV[1], tonumber(ARGV[2])) end
return 0
"""
# KEYS: order, ends. ARGV: lease, life in ms. Whoever was forgotten enters again, at the end.
_AHEAD = """
tidy(KEYS[1], KEYS[2])
if not redis.call('ZRANK', KEYS[1], ARGV[1]) then
  enter(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]))
end
return redis.call('ZRANK', KEYS[1], ARGV[1])
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
    def __init__(self, url: str, life: float) -> None:
        self.life = life
        self.connection = connect(url)
        self._milliseconds = round(life * 1000)
        self._enter, self._ahead, self._count, self._renew = (
            self.connection.register_script(_COMMON + script)
            for script in (_ENTER, _AHEAD, _COUNT, _RENEW)
        )

    def enter(self, lease: Lease, limits: Mapping[str, int | None]) -> str | None:
        numbers = [-1 if limit is None else limit for limit in limits.values()]
        full = self._enter(_keys(*limits), [lease.id, self._milliseconds, *numbers])
        return list(limits)[int(full) - 1] if full else None

    def ahead(self, lease: Lease, pool: str) -> int:
        return int(self._ahead(_keys(pool), [lease.id, self._milliseconds]))

    def count(self, pool: str) -> int:
        return int(self._count(_keys(pool)))

    def renew(self, leases: Collection[Lease]) -> None:
        for lease in leases:
            self._renew(_keys(*lease.pools), [lease.id, self._milliseconds])

    def leave(self, lease: Lease) -> None:
        with self.connection.pipeline() as commands:
            for key in _keys(*lease.pools):
                commands.zrem(key, lease.id)
            commands.execute()


def _keys(*pools: str) -> list[str]:
    return [f"capacity:{pool}:{part}" for pool in pools for part in ("order", "ends")]
