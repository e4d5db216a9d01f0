"""A message of short work, answered with the row whose turn it is: whatever the message was sent for, and by whom."""

from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from core.database import short_turns
from core.database.short_turns import Table
from core.settings import settings
from core.tables import DatasetVersion, Export, Prediction, Profile, Weights
from worker.claims import claiming
from worker.tasks import short
from worker.tasks.export import EXPORT
from worker.tasks.ingest import INGEST
from worker.tasks.predict import PREDICT
from worker.tasks.profile import PROFILE
from worker.tasks.short import Work
from worker.tasks.weights import READ_WEIGHTS

WORKS: dict[Table, Work[Any]] = {
    DatasetVersion: INGEST,
    Export: EXPORT,
    Profile: PROFILE,
    Prediction: PREDICT,
    Weights: READ_WEIGHTS,
}


class Taken(NamedTuple):
    """A claimed row and what is to be done with it."""

    work: Work[Any]
    row_id: str
    claimed: Any


def run_next(kind: str, rung_for: str) -> None:
    """`kind` and `rung_for` are the message's, for logs and counters. That nothing waits is normal."""
    taken = claiming.answer(kind, rung_for, _claim)
    if taken is not None:
        short.carry_out(taken.work, taken.row_id, taken.claimed)


def _claim(session: Session, _: str) -> Taken | None:
    for table, row_id, tenant_id in short_turns.candidates(session, device=settings().device_name or None):
        claimed = WORKS[table].claim(session, row_id)
        if claimed is not None:
            short_turns.serve(session, tenant_id)
            return Taken(WORKS[table], row_id, claimed)
    return None
