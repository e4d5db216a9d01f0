"""Writes to the ledger that wait for a Postgres that is away."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from core.database.database import Kind, transaction
from worker.liveness import shutdown

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
RETRY_SECONDS = 0.5


class LedgerAway(Exception):
    """Postgres did not answer. The outcome of a commit under way is unknown; fenced writes may be repeated."""


def write_once(write: Callable[[Session], Result], kind: Kind = "work") -> Result:
    """One transaction. Raises LedgerAway, also where Postgres cut it for its length, or what `write` raises."""
    try:
        with transaction(kind) as session:
            return write(session)
    except (OperationalError, PoolTimeout) as error:
        raise LedgerAway(_brief(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise LedgerAway(_brief(error)) from error
        raise


def write_until_done(write: Callable[[Session], Result]) -> Result:
    """Repeat a transaction until Postgres takes it. Raises LedgerAway only where the worker shuts down."""
    while True:
        try:
            return write_once(write)
        except LedgerAway as error:
            if shutdown.requested():
                raise
            logger.warning("the ledger is away, trying again: %s", error)
            time.sleep(RETRY_SECONDS)


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
