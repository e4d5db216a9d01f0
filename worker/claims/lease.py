"""A claim on a row, kept while work on it advances. `tick` is called many times a second by the thread that works."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Literal, TypeVar

from sqlalchemy.orm import Session

from core.errors import Fenced, StoreUnavailable
from core.settings import settings
from core.store import storage
from worker.claims.ledger_writes import LedgerAway, write_once
from worker.liveness import shutdown
from worker.telemetry import counters

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
TICK_SECONDS = 0.1
STORE_PAUSE_SECONDS = 2.0


class Asked(Exception):
    """Stop working on the row: a customer or an operator wants it, or the lease cannot be renewed."""

    def __init__(self, by: Literal["cancel", "pause", "shutdown", "lease", "time_limit"]) -> None:
        super().__init__(by)
        self.by = by


class Stalled(Exception):
    """Nothing advanced for `stall_seconds`."""


class Lease:
    """Renewed by `renew`, one fenced transaction."""

    def __init__(self, renew: Callable[[Session], None]) -> None:
        self._renew = renew
        self.fenced = False  # set by a thread of ours that met the end of the claim
        self._begun_at = self._advanced_at = self._renewed_at = self._tried_at = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """Since the claim."""
        return time.monotonic() - self._begun_at

    def advance(self) -> None:
        """Something moved: the lease may go on."""
        self._advanced_at = time.monotonic()

    def tick(self) -> None:
        """Raises Fenced, Asked or Stalled."""
        self.beat()
        if shutdown.requested():
            raise Asked("shutdown")
        if time.monotonic() > self._renewed_at + settings().lease_seconds - margin_seconds():
            raise Asked("lease")
        if time.monotonic() - self._advanced_at > settings().stall_seconds:
            raise Stalled(f"no progress for {settings().stall_seconds:g} s")

    def beat(self) -> None:
        """Renew when it is time. A ledger that is away is no reason to stop. Raises Fenced."""
        if self.fenced:
            raise Fenced
        if time.monotonic() - self._tried_at >= self._pause_seconds():
            try:
                self.write()
            except LedgerAway as error:
                counters.LEDGER_AWAY.inc()
                logger.warning("the ledger is away: %s", error)

    def write(self) -> None:
        """Renew now. Raises Fenced or LedgerAway."""
        begun = self._tried_at = time.monotonic()
        self._write()
        self._renewed_at = begun
        counters.RENEWALS.inc()

    def patiently(self, work: Callable[[], Result], *, stall_limits: float = 1) -> Result:
        """`during`, again and again while the object store is away, up to the stall limit. Raises StoreUnavailable."""
        deadline = time.monotonic() + settings().stall_seconds * stall_limits
        while True:
            try:
                return self.during(work)
            except StoreUnavailable as error:
                if time.monotonic() > deadline:
                    raise
                logger.warning("%s; trying again", error)
                self.during(lambda: time.sleep(STORE_PAUSE_SECONDS))

    def during(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a thread, ticking meanwhile: what it moves to and from the store is an advance.

        When the tick raises, the thread is left to end by itself.
        """
        pool = ThreadPoolExecutor(1, thread_name_prefix="work")
        future = pool.submit(self._told_of, work)
        pool.shutdown(wait=False)
        self.advance()
        while True:
            try:
                result = future.result(timeout=TICK_SECONDS)
            except NotYet:
                if future.done():
                    raise
                self.tick()
            else:
                self.advance()
                return result

    def _told_of(self, work: Callable[[], Result]) -> Result:
        with storage.telling(self.advance):
            return work()

    def _pause_seconds(self) -> float:
        return settings().heartbeat_seconds

    def _write(self) -> None:
        write_once(self._renew)


def margin_seconds() -> float:
    """So long before the end of its lease a worker stops by itself, to be gone when another claims the row."""
    return min(15.0, settings().lease_seconds / 4)
