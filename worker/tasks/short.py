"""What an ending of short work means for its row, unless the work succeeded: ingest, exports and profiles alike."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from core.errors import ChecksumMismatch, Fenced, NotFound, StoreUnavailable
from worker.children.supervision import Crashed, TrainerFailed
from worker.claims.lease import Asked, Stalled
from worker.claims.ledger_writes import LedgerAway, write_until_done

logger = logging.getLogger(__name__)


class GiveBack(Protocol):
    def __call__(self, session: Session, row_id: str, fence: int, /, *, counted: bool) -> str:
        """The row's new status. Raises Fenced."""


@dataclass(frozen=True)
class Held:
    """A claimed row, and what may be done with it."""

    what: str  # as logs name it
    row_id: str
    fence: int
    fail: Callable[[JobError], None]
    give_back: GiveBack
    ring: Callable[[], None]


def settle(held: Held, ending: Exception, special: Callable[[Exception], bool] = lambda _: False) -> None:
    """`special` settles the endings that only this work knows, and says whether this was one."""
    try:
        if not special(ending):
            _settle(held, ending)
    except LedgerAway as error:
        logger.warning("the ledger is away; the lease will run out: %s", error)
    except Fenced:
        logger.warning("the claim of fence %d was lost before its end was written", held.fence)


def _settle(held: Held, ending: Exception) -> None:
    match ending:
        case Fenced():
            logger.warning("the claim was lost; nothing more is written")
        case Asked() | StoreUnavailable():
            _give_back(held, counted=False)
        case TrainerFailed(error=error):
            logger.info("failed: %s", error.message)
            held.fail(error)
        case Crashed() | Stalled() | NotFound() | ChecksumMismatch():
            logger.warning("%s", ending)
            _give_back(held, counted=True)
        case _:
            logger.error("%s broke down", held.what, exc_info=ending)
            _give_back(held, counted=True)


def _give_back(held: Held, *, counted: bool) -> None:
    status = write_until_done(lambda session: held.give_back(session, held.row_id, held.fence, counted=counted))
    if status == "queued":
        held.ring()
