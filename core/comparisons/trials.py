"""The jobs of comparisons: how far they are, and the figures of those that succeeded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from contract.results import headline
from contract.results.headline import Figures
from core.tables import Job, Model
from core.tables.states import TERMINAL, Status

Counts = dict[Status, int]
# empty: all its jobs were deleted
ComparisonStatus = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled", "empty"]


@dataclass(frozen=True)
class Trial:
    """One job of a comparison."""

    job_id: str
    method: int  # index into the comparison's methods
    seed: int
    status: Status
    phase: str | None
    progress: Mapping[str, Any]
    error_code: str | None
    model_id: str | None
    finished_at: datetime | None
    figures: Figures | None


# Workers older than the column, which may still run while a newer api is rolled out, leave it to be looked up.
_FIGURES = func.coalesce(Model.figures, Model.evaluation["main"])


def read(session: Session, comparison_id: str) -> list[Trial]:
    """In the order in which they were queued."""
    statement = (
        select(
            Job.id,
            Job.comparison_method,
            cast(Job.resolved["seed"].astext, BigInteger),
            Job.status,
            Job.phase,
            Job.progress,
            Job.error["code"].astext,
            Job.model_id,
            Job.finished_at,
            _FIGURES,
        )
        .outerjoin(Model, Model.id == Job.model_id)
        .where(Job.comparison_id == comparison_id)
        .order_by(Job.id)
    )
    rows: Iterable[Any] = session.execute(statement)
    return [Trial(*(*others, _figures(found))) for *others, found in rows]


def counts(session: Session, comparison_ids: Sequence[str]) -> dict[str, Counts]:
    """How many jobs of each comparison have which status."""
    statement = (
        select(Job.comparison_id, Job.status, func.count())
        .where(Job.comparison_id.in_(comparison_ids))
        .group_by(Job.comparison_id, Job.status)
    )
    found: dict[str, Counts] = {comparison_id: {} for comparison_id in comparison_ids}
    rows: Iterable[Any] = session.execute(statement)
    for comparison_id, status, number in rows:
        found[comparison_id][status] = number
    return found


def status_of(counted: Mapping[Status, int]) -> ComparisonStatus:
    """Of all jobs together: over when they all are, and then as bad as the worst of them."""
    there = {status for status, number in counted.items() if number}
    if not there:
        return "empty"
    if there <= TERMINAL:
        return next(status for status in ("failed", "cancelled", "succeeded") if status in there)
    if there <= TERMINAL | {"paused"}:
        return "paused"
    return "queued" if there == {"queued"} else "running"


def _figures(found: Mapping[str, Any] | None) -> Figures | None:
    told = headline.of(found) if found and "splits" in found else found
    return Figures(**told) if told else None
