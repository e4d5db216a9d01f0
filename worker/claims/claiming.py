"""The answer to a doorbell: a row is claimed, or it is not there to be claimed, which is normal."""

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from worker.claims.ledger_writes import LedgerAway, write_once
from worker.telemetry import counters

Claimed = TypeVar("Claimed")
logger = logging.getLogger(__name__)


def answer(kind: str, row_id: str, claim: Callable[[Session, str], Claimed | None]) -> Claimed | None:
    """What `claim` gives for the row. None where it gives nothing, or where the ledger is away: the sweeper rings."""
    try:
        claimed = write_once(lambda session: claim(session, row_id))
    except LedgerAway as error:
        logger.warning("the ledger is away, %s waits for the sweeper: %s", row_id, error)
        return None
    counters.claimed(kind, claimed)
    return claimed
