"""What a reader sees of sweeps: the rows, what their trials came to, and the best of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.tables import DatasetVersion, Sweep, SweepTrial


@dataclass(frozen=True)
class SweepPage:
    sweep: Sweep
    dataset_id: str
    counts: dict[str, int]  # status of trials -> how many
    best: SweepTrial | None


def read(session: Session, sweeps: Sequence[Sweep]) -> list[SweepPage]:
    """A page for each, in this order; three queries, however many trials they have."""
    ids = [sweep.id for sweep in sweeps]
    per_status = select(SweepTrial.sweep_id, SweepTrial.status, func.count()).where(SweepTrial.sweep_id.in_(ids))
    counts: dict[str, dict[str, int]] = {sweep_id: {} for sweep_id in ids}
    for sweep_id, status, count in session.execute(per_status.group_by(SweepTrial.sweep_id, SweepTrial.status)):
        counts[sweep_id][status] = count
    dataset_ids = select(DatasetVersion.id, DatasetVersion.dataset_id).where(
        DatasetVersion.id.in_({sweep.dataset_version_id for sweep in sweeps})
    )
    datasets = {row.id: row.dataset_id for row in session.execute(dataset_ids)}
    best = {trial.sweep_id: trial for trial in _best(session, ids)}
    return [SweepPage(s, datasets[s.dataset_version_id], counts[s.id], best.get(s.id)) for s in sweeps]


def _best(session: Session, sweep_ids: Sequence[str]) -> Sequence[SweepTrial]:
    joined = (SweepTrial.sweep_id == Sweep.id) & (SweepTrial.number == Sweep.best_number)
    return session.scalars(select(SweepTrial).join(Sweep, joined).where(Sweep.id.in_(sweep_ids))).all()
