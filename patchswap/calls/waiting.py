"""Waiting for something to reach its end, by asking at a growing interval."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from patchswap.errors import WaitTimeout

T = TypeVar("T")

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 3.0


def until(fetch: Callable[[], T], is_over: Callable[[T], bool], *, what: str, timeout_seconds: float | None) -> T:
    """The first fetched value that is over. Raises WaitTimeout; what is waited for is not touched by that."""
    started_at = time.monotonic()
    interval = _FIRST_SECONDS
    while not is_over(found := fetch()):
        waited = time.monotonic() - started_at
        if timeout_seconds is not None and waited + interval > timeout_seconds:
            raise WaitTimeout(f"{what} has not ended after {waited:.0f} s. It goes on; ask again later.")
        time.sleep(interval)
        interval = min(_LONGEST_SECONDS, interval * 1.5)
    return found


def changes(fetch: Callable[[], T], is_over: Callable[[T], bool]) -> Iterator[T]:
    """What is fetched, each time it is another than before, until it is over; the last is the end."""
    last: T | None = None
    interval = _FIRST_SECONDS
    while True:
        found = fetch()
        if found != last:
            yield found
            last, interval = found, _FIRST_SECONDS
        if is_over(found):
            return
        time.sleep(interval)
        interval = min(_LONGEST_SECONDS, interval * 1.5)
