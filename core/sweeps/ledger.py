"""What the driver of a sweep reads and writes, under the lock on the sweep's row that `lock` takes."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.specs import SpecInvalid, parse
from core.errors import DomainError
from core.jobs import requests as jobs
from core.sweeps.spec import SweepSpec, final_body, trial_body
from core.tables import Job, JobMetric, Model, Sweep, SweepTrial
from core.tables.states import PRUNED, TERMINAL
from core.webhooks import outbox

Ending = Literal["complete", "pruned", "failed", "cancelled"]


@dataclass(frozen=True)
class Point:
    """The metric at the end of an epoch."""

    epoch: int
    value: float


def running(session: Session) -> Sequence[str]:
    return session.scalars(select(Sweep.id).where(Sweep.status == "running").order_by(Sweep.id)).all()


def existing(session: Session, sweep_ids: Collection[str]) -> set[str]:
    """Those of the ids that are sweeps."""
    return set(session.scalars(select(Sweep.id).where(Sweep.id.in_(sweep_ids))))


def lock(session: Session, sweep_id: str) -> Sweep | None:
    """The sweep, for this transaction alone; None where another has it or it is over."""
    statement = select(Sweep).where(Sweep.id == sweep_id, Sweep.status == "running")
    return session.scalars(statement.with_for_update(skip_locked=True)).one_or_none()


def trials(session: Session, sweep: Sweep) -> list[SweepTrial]:
    """By number."""
    statement = select(SweepTrial).where(SweepTrial.sweep_id == sweep.id).order_by(SweepTrial.number)
    return list(session.scalars(statement))


def begin(session: Session, sweep: Sweep, asked: SweepSpec, *, number: int, params: dict[str, Any]) -> SweepTrial:
    """The trial and its job in one transaction. Values that cannot go together make a failed trial without a job."""
    trial = SweepTrial(sweep_id=sweep.id, number=number, status="running", params=params, epochs=0)
    try:
        trial.job_id = _submit(session, sweep, trial_body(asked, params, number))
    except (SpecInvalid, DomainError) as error:
        end_trial(trial, "failed", reason=str(error))
    session.add(trial)
    sweep.updated_at = func.now()
    return trial


def unjudged(session: Session, asked: SweepSpec, trial: SweepTrial) -> list[Point]:
    """What the trial reached since it was last looked at, epoch by epoch. Validation only."""
    statement = (
        select(JobMetric.epoch, JobMetric.value)
        .where(JobMetric.job_id == trial.job_id, JobMetric.key == asked.metric, JobMetric.epoch > trial.epochs)
        .order_by(JobMetric.epoch, JobMetric.step)
    )
    return [Point(epoch, value) for epoch, value in session.execute(statement)]


def record(sweep: Sweep, trial: SweepTrial, point: Point) -> None:
    trial.epochs, trial.value = point.epoch, point.value
    sweep.updated_at = func.now()


def prune(session: Session, sweep: Sweep, asked: SweepSpec, trial: SweepTrial) -> bool:
    """End a trial that is behind the others. False where its job has ended, or has no epoch left to save."""
    if trial.epochs >= _job(session, trial).epochs:
        return False
    reason = f"{PRUNED}behind the other trials at epoch {trial.epochs}, by {asked.metric}"
    if not stop(session, sweep, trial.job_id, reason=reason):
        return False
    end_trial(trial, "pruned", reason=reason)
    return True


def settle(session: Session, sweep: Sweep, trial: SweepTrial) -> bool:
    """Take over how the trial's job ended; False while it goes on."""
    job = _job(session, trial)
    if job.status == "succeeded":
        _complete(session, sweep, trial, job)
    elif job.status == "failed":
        end_trial(trial, "failed", reason=job.reason)
    elif job.status == "cancelled":
        end_trial(trial, "cancelled", reason=job.reason)
    else:
        return False
    sweep.updated_at = func.now()
    return True


def stop(session: Session, sweep: Sweep, job_id: str | None, *, reason: str) -> bool:
    """Ask for a job's end. False where it has ended."""
    statement = select(Job.status).where(Job.id == job_id).with_for_update()
    status = session.scalars(statement).one_or_none() if job_id else None
    if job_id is None or status is None or status in TERMINAL:
        return False
    jobs.cancel(session, sweep.tenant_id, job_id, reason=reason)
    return True


def end_trial(trial: SweepTrial, status: Ending, *, reason: str | None = None) -> None:
    trial.status, trial.reason = status, reason
    trial.finished_at = func.now()


def submit_final(session: Session, sweep: Sweep, asked: SweepSpec, board: Sequence[SweepTrial]) -> str | None:
    """The best trial's values as one whole job, test split and exports included; or the sweep's end without one."""
    best = next((trial for trial in board if trial.number == sweep.best_number), None)
    if best is None:
        _end(session, sweep, "failed", error=_nothing_complete(board))
        return None
    try:
        sweep.final_job_id = _submit(session, sweep, final_body(asked, best.params))
    except (SpecInvalid, DomainError) as error:
        _end(session, sweep, "failed", error=_final_failed(f"could not be submitted: {error}"))
        return None
    sweep.final_at = sweep.updated_at = func.now()
    return sweep.final_job_id


def close(session: Session, sweep: Sweep) -> None:
    """End the sweep as its final job ended, once that has."""
    job = _state(session, sweep.final_job_id)
    if job.status == "succeeded":
        _end(session, sweep, "succeeded")
    elif job.status in ("failed", "cancelled"):
        _end(session, sweep, "failed", error=_final_failed(f"{job.status}: {job.reason}"))


@dataclass(frozen=True)
class _JobState:
    """Read by columns: an entity kept by the session would hide what a worker wrote meanwhile."""

    status: str
    reason: str | None
    model_id: str | None
    epochs: int


_DELETED = _JobState("failed", "its job was deleted", None, 0)


def _state(session: Session, job_id: str | None) -> _JobState:
    row = session.execute(
        select(Job.status, Job.error, Job.model_id, Job.progress["epochs"].as_integer()).where(Job.id == job_id)
    ).one_or_none()
    if row is None:
        return _DELETED
    status, error, model_id, epochs = row
    reason = f"{error['code']}: {error['message']}" if error else "its job was cancelled"
    return _JobState(status, reason, model_id, epochs)


def _job(session: Session, trial: SweepTrial) -> _JobState:
    return _state(session, trial.job_id)


def _submit(session: Session, sweep: Sweep, body: dict[str, Any]) -> str:
    job = jobs.submit(session, sweep.tenant_id, parse(body))
    job.sweep_id = sweep.id
    session.flush()
    return job.id


def _complete(session: Session, sweep: Sweep, trial: SweepTrial, job: _JobState) -> None:
    """Its value is the trained net's own on validation, not the curve's."""
    asked = SweepSpec.model_validate(sweep.spec)
    evaluation = session.scalars(select(Model.evaluation).where(Model.id == job.model_id)).one()
    value = evaluation["main"]["splits"]["val"][asked.metric.removeprefix("val.")]
    if not math.isfinite(value):
        end_trial(trial, "failed", reason=f"its {asked.metric} is {value}")
        return
    for point in unjudged(session, asked, trial):  # written since the driver looked; too late to judge
        record(sweep, trial, point)
    trial.value = value
    end_trial(trial, "complete")
    best = session.get(SweepTrial, (sweep.id, sweep.best_number)) if sweep.best_number is not None else None
    if best is None or best.value is None or _is_better(asked, value, best.value):
        sweep.best_number = trial.number


def _is_better(asked: SweepSpec, value: float, than: float) -> bool:
    return value > than if asked.direction == "maximize" else value < than


def _end(session: Session, sweep: Sweep, status: str, *, error: JobError | None = None) -> None:
    sweep.status = status
    sweep.error = error.model_dump() if error else None
    sweep.finished_at = sweep.updated_at = func.now()
    outbox.announce(session, sweep)


def _nothing_complete(board: Sequence[SweepTrial]) -> JobError:
    ended = {status: sum(trial.status == status for trial in board) for status in ("failed", "cancelled", "pruned")}
    counts = ", ".join(f"{count} {status}" for status, count in ended.items() if count)
    last = next((trial.reason for trial in reversed(board) if trial.status != "pruned" and trial.reason), None)
    return JobError(
        code="no_trial_complete",
        category="user_spec",
        retryable=False,
        message=f"No trial was completed: {counts}." + (f" The last one: {last}" if last else ""),
        remediation="Look at the trials' jobs, correct what ended them, and submit the sweep again.",
    )


def _final_failed(how: str) -> JobError:
    return JobError(
        code="final_job_failed",
        category="user_spec",
        retryable=False,
        message=f"The final job {how}.",
        remediation="The trials are kept. Submit a job with the best trial's values.",
    )
