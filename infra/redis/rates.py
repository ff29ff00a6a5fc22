"""Rate limits, by the generic cell rate algorithm (GCRA): one number a key, judged and moved on in one script.

The number is the moment (microseconds on Valkey's clock) at which all that was taken will have come back. What is
forgotten (emptied, evicted, a server that starts anew) is a limit that begins afresh.
"""

from redis.exceptions import ResponseError

from domain.kernel.rates import Rate
from infra.redis.names import Names
from infra.redis.reach import Away, Script, Valkey

TAKE = Script(
    """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local cost, whole = tonumber(ARGV[1]), tonumber(ARGV[2])
local free_at = tonumber(redis.call('GET', KEYS[1]) or now) or now
free_at = math.min(math.max(free_at, now), now + whole)  -- the upper bound: after Valkey's clock was set back
local after = free_at + cost
if after - now > whole then
  return after - now - whole
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return 0
"""
)


class ValkeyRates:
    """`domain.kernel.rates.Rates`."""

    def __init__(self, valkey: Valkey, names: Names) -> None:
        self._valkey = valkey
        self._names = names

    async def take(self, who: str, scope: str, weight: int, rate: Rate) -> float | None:
        whole = int(rate.seconds * 1_000_000)
        cost = min(whole, weight * whole // rate.amount)
        try:
            wait = await self._valkey.run(TAKE, [self._names.rate(who, scope)], cost, whole)
        except (Away, ResponseError):
            return None
        return int(wait) / 1_000_000
