"""How an attempt ends without a publication, and what that means for its job."""

import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from core import queue
from core.errors import ChecksumMismatch, Fenced, NotFound, StoreUnavailable
from core.jobs import ledger
from core.jobs.ledger import CancelledFirst
from core.settings import settings
from worker.children.supervision import Crashed, TrainerFailed
from worker.claims.lease import Asked, Stalled
from worker.claims.ledger_writes import RETRY_SECONDS, LedgerAway, write_once
from worker.liveness import shutdown
from worker.outputs import checkpoints
from worker.tasks.attempt import Attempt

logger = logging.getLogger(__name__)
LEDGER_SHARE = 0.1  # of the grace at a shutdown, beside worker.outputs.checkpoints.GRACE_SHARE
Result = TypeVar("Result")


def settle(attempt: Attempt, ending: Exception) -> None:
    """What each ending but the publication means for the job."""
    claim = attempt.claim
    attempt.lease.log.say(f"the attempt ends: {_told(ending)}")
    try:
        match ending:
            case Fenced():
                logger.warning("the claim was lost; nothing more is written")
            case CancelledFirst():
                _end(attempt, "cancelled")
            case Asked():
                _settle_asked(attempt, ending)
            case TrainerFailed(error=error):
                logger.info("the job failed: %s", ending)
                write_last(attempt, lambda s: ledger.end(s, claim, "failed", reason=error.code, error=error))
            case StoreUnavailable():
                logger.warning("%s", ending)
                _give_back(attempt, "object_store_unavailable", str(ending))
            case Crashed() | Stalled() | NotFound() | ChecksumMismatch():
                _crash(attempt, str(ending))
            case _:
                logger.error("the attempt broke down", exc_info=ending)
                _crash(attempt, f"internal error: {type(ending).__name__}")
    except Fenced:
        logger.warning("the claim was lost before its end was written")
    except LedgerAway as error:
        logger.warning("the ledger is away; the lease will run out: %s", error)


def write_last(attempt: Attempt, write: Callable[[Session], Result]) -> Result:
    """All that is still unwritten, then the last word; waits for a ledger that is away, but not through a shutdown."""
    give_up_at = math.inf
    while True:
        try:
            attempt.lease.write()
            return write_once(write)
        except LedgerAway as error:
            logger.warning("the ledger is away, the end of the attempt waits: %s", error)
            if shutdown.requested():
                give_up_at = min(give_up_at, time.monotonic() + settings().grace_seconds * LEDGER_SHARE)
            if time.monotonic() > give_up_at:
                raise
            time.sleep(RETRY_SECONDS)


def _told(ending: Exception) -> str:
    """Without what is inside of us."""
    if isinstance(ending, Asked):
        return f"asked to stop, by {ending.by}"
    known = (TrainerFailed, Crashed, Stalled, StoreUnavailable, ChecksumMismatch, NotFound, CancelledFirst)
    return str(ending) if isinstance(ending, known) else type(ending).__name__


def _settle_asked(attempt: Attempt, asked: Asked) -> None:
    """The trainer has stopped; its last checkpoint is stored before the job changes hands."""
    attempt.uploads.wait(math.inf if asked.by == "lease" else checkpoints.grace_seconds())
    if asked.by == "cancel":
        _end(attempt, "cancelled")
    elif asked.by == "pause":
        _end(attempt, "paused")
    elif asked.by == "time_limit":
        error = attempt.lease.limits.error(attempt.lease.progress.as_json())
        write_last(attempt, lambda s: ledger.end(s, attempt.claim, "failed", reason=error.code, error=error))
    else:
        reason = "the worker shuts down" if asked.by == "shutdown" else "the ledger could not be reached in time"
        _give_back(attempt, asked.by, reason)


def _end(attempt: Attempt, status: str) -> None:
    logger.info("%s by request", status)
    write_last(attempt, lambda s: ledger.end(s, attempt.claim, status, reason=f"{status} by request"))


def _give_back(attempt: Attempt, outcome: str, reason: str) -> None:
    status = write_last(attempt, lambda s: ledger.give_back(s, attempt.claim, outcome=outcome, reason=reason))
    _ring(attempt, status)


def _crash(attempt: Attempt, reason: str) -> None:
    logger.warning("attempt lost: %s", reason)
    attempt.uploads.wait(checkpoints.grace_seconds())
    status = write_last(attempt, lambda s: ledger.crash(s, attempt.claim, reason=reason))
    _ring(attempt, status)


def _ring(attempt: Attempt, status: str) -> None:
    logger.info("the job is %s", status)
    if status == "queued":
        queue.ring("worker.train", attempt.job.id)
