"""How many requests a tenant may send in a minute, over all its keys and all api processes.

Redis counts, a hundredth of the limit at a time: a process fetches that many and answers them without asking again, so
a poll costs a look into a dictionary, and the limit is never exceeded, only left unused by a hundredth a process.
Where Redis is away each process counts by itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.errors import RateLimited
from core.queue import KEY_PREFIX, keepalive_of
from core.settings import settings

logger = logging.getLogger(__name__)

SHARES = 100  # of the limit, one of which a process fetches at once
WINDOW_SECONDS = 60
REDIS_TIMEOUT_SECONDS = 1.0
PAUSE_SECONDS = 5.0  # before a Redis that was away is asked again
# What is left of this minute, up to what is asked for; and how long the minute lasts. By Redis' own clock.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local minute = tostring(math.floor(now / 60))
local found = redis.call('HMGET', KEYS[1], 'minute', 'used')
local used = found[1] == minute and tonumber(found[2]) or 0
local granted = math.max(0, math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - used))
redis.call('HSET', KEYS[1], 'minute', minute, 'used', used + granted)
redis.call('EXPIRE', KEYS[1], 120)
return {granted, 60 - now % 60}
"""


@dataclass
class Allowance:
    """What this process may still answer for one tenant until `ends_at`, by the process's own clock."""

    left: int = 0
    taken: int = 0  # of this minute, answered or not
    is_spent: bool = False
    ends_at: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add(self, granted: int, seconds: float) -> None:
        now = time.monotonic()
        if now >= self.ends_at:
            self.left = self.taken = 0
            self.ends_at = now + seconds
        self.left += granted
        self.taken += granted
        self.is_spent = granted == 0


class Limiter:
    def __init__(self) -> None:
        self._allowances: dict[str, Allowance] = {}
        url = settings().redis_url.replace("redis+socket://", "unix://")
        self._redis = redis.asyncio.Redis.from_url(
            url,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that broke while nobody asked
            **keepalive_of(url),
        )
        self._take = self._redis.register_script(_TAKE)
        self._alone_until = 0.0

    async def admit(self, tenant_id: str) -> None:
        """Counts one request. Raises RateLimited."""
        allowance = self._allowances.get(tenant_id)
        if allowance is None:
            allowance = self._allowances.setdefault(tenant_id, Allowance())
        while not (allowance.left and time.monotonic() < allowance.ends_at):
            if allowance.is_spent and (seconds := allowance.ends_at - time.monotonic()) > 0:
                raise _refusal(seconds)
            await self._fetch(tenant_id, allowance)
        allowance.left -= 1

    async def close(self) -> None:
        await self._redis.aclose()

    async def _fetch(self, tenant_id: str, allowance: Allowance) -> None:
        """One of those who wait asks for all of them."""
        async with allowance.turn:
            if time.monotonic() < allowance.ends_at and (allowance.left or allowance.is_spent):
                return
            limit = settings().requests_per_minute
            if time.monotonic() >= self._alone_until:
                try:
                    key, wanted = f"{KEY_PREFIX}rate:{tenant_id}", max(1, limit // SHARES)
                    granted, seconds = await self._take(keys=[key], args=[wanted, limit])
                except (RedisError, OSError) as error:
                    self._alone_until = time.monotonic() + PAUSE_SECONDS
                    logger.warning("requests are counted by this process alone, Redis is away: %s", error)
                else:
                    allowance.add(int(granted), float(seconds))
                    return
            is_new = time.monotonic() >= allowance.ends_at
            allowance.add(limit if is_new else max(0, limit - allowance.taken), WINDOW_SECONDS)


def _refusal(seconds: float) -> RateLimited:
    limit, wait = settings().requests_per_minute, math.ceil(seconds)
    return RateLimited(
        f"At most {limit:,} requests a minute. Wait {wait} s, and poll no faster than `Retry-After` says.",
        retry_seconds=wait,
        limit=limit,
    )
