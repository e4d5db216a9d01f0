"""The frame of short work. A row is claimed, worked on under a lease, and settled.

A task gives what differs: how its row is claimed, what is done, and what may be done with the row otherwise.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from core.database import leases
from core.errors import ChecksumMismatch, Fenced, NotFound, StoreUnavailable
from core.tables import DatasetVersion, Export, Prediction, Profile, Weights
from worker.children.supervision import Crashed, TrainerFailed
from worker.claims.lease import Asked, Lease, Stalled
from worker.claims.ledger_writes import LedgerAway, write_until_done
from worker.disk import scratch
from worker.telemetry import counters, logs

logger = logging.getLogger(__name__)
Claimed = TypeVar("Claimed")


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


def _no_other_ending(_claimed: Any, _folder: Path, _ending: Exception) -> bool:
    return False


@dataclass(frozen=True)
class Work(Generic[Claimed]):
    """One kind of short work."""

    kind: str  # as counters and logs name it
    table: type[DatasetVersion | Export | Profile | Prediction | Weights]
    claim: Callable[[Session, str], Claimed | None]
    held: Callable[[Claimed], Held]
    about: Callable[[Claimed], dict[str, Any]]  # what each of its log lines says besides
    do: Callable[[Claimed, Lease, Path], None]
    # Settles the endings that only this work knows, and says whether this was one.
    settle_special: Callable[[Claimed, Path, Exception], bool] = _no_other_ending


def carry_out(work: Work[Claimed], row_id: str, claimed: Claimed) -> None:
    """Do the work of a claimed row, and settle whatever way it ends."""
    held = work.held(claimed)
    with (
        logs.about(**{work.kind: row_id}, fence=held.fence, **work.about(claimed)),
        scratch.folder(f"{row_id}-{held.fence}") as folder,
    ):
        lease = Lease(lambda session: leases.renew(session, work.table, row_id, held.fence))
        try:
            work.do(claimed, lease, folder)
            counters.ended(work.kind)
        except Exception as error:  # noqa: BLE001 - every way it can end is settled there
            counters.ended(work.kind, error)
            settle(held, error, lambda ending: work.settle_special(claimed, folder, ending))


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
