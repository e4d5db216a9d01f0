"""When a call that failed is made again, and after how long. Says nothing about how it is made."""

from __future__ import annotations

import random
import time

from patchswap.errors import ApiError, PatchswapError

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 8.0
_LONGEST_RETRY_AFTER_SECONDS = 60.0
_TRANSIENT = frozenset({429, 502, 503, 504})
# An earlier attempt is still being served: checking the sha256 of a large upload takes as long as reading it.
_IN_FLIGHT = "idempotency_in_flight"
_QUOTA = "quota_exceeded"  # nobody frees it by waiting
_IN_FLIGHT_PAUSE = 3
_IN_FLIGHT_SECONDS = 900.0


class Retries:
    """What went wrong in one call so far. Each `after_` waits for the next attempt, or raises what it was given."""

    def __init__(self) -> None:
        self.lost_an_answer = False  # so an attempt may have taken effect
        self._failures = 0
        self._started_at = time.monotonic()

    def after_broken_connection(self, error: PatchswapError) -> None:
        self.lost_an_answer = True
        self._count(error)
        time.sleep(pause_seconds(self._failures - 1))

    def after_problem(self, problem: ApiError) -> None:
        if problem.code == _IN_FLIGHT and time.monotonic() < self._started_at + _IN_FLIGHT_SECONDS:
            time.sleep(pause_seconds(_IN_FLIGHT_PAUSE, problem.retry_after))
            return
        if not is_transient(problem):
            raise problem
        self._count(problem)
        time.sleep(pause_seconds(self._failures - 1, problem.retry_after))

    def _count(self, error: PatchswapError) -> None:
        self._failures += 1
        if self._failures >= _ATTEMPTS:
            raise error


def is_transient(problem: ApiError) -> bool:
    """Whether the same request may succeed in a while."""
    return problem.status in _TRANSIENT and problem.code != _QUOTA


def pause_seconds(attempt: int, retry_after: float | None = None) -> float:
    """Exponential with jitter; what the service asks for goes first, up to a minute."""
    longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**attempt)
    jittered = random.uniform(longest / 4, longest)  # noqa: S311 - spreads clients, guards nothing
    if retry_after is None:
        return jittered
    return min(retry_after, _LONGEST_RETRY_AFTER_SECONDS) + jittered / 4
