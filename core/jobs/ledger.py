"""What a job's worker writes. Every write names the fence of its claim and changes nothing once that is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.results import headline
from contract.results.exported import ExportResult
from contract.results.selection import published_arm
from core.accounts import quotas
from core.database import leases
from core.exports import published
from core.ids import new_id
from core.jobs import curves, events, logs, lost_attempts, receipts, turns, usage
from core.store.storage import StoredFile
from core.tables import Checkpoint, Export, Job, JobAttempt, Model, Tenant
from core.webhooks import outbox, thresholds

KEPT_CHECKPOINTS = 2  # newest of each arm, beside the best and the pinned


@dataclass(frozen=True)
class Claim:
    """The right to write to one job."""

    job_id: str
    fence: int
    worker: str


@dataclass(frozen=True)
class Wishes:
    """What customers asked for since the worker last looked."""

    cancel: bool
    pause: bool


@dataclass(frozen=True)
class FinishedExport:
    result: ExportResult
    stored: StoredFile


@dataclass(frozen=True)
class Publication:
    """All that becomes visible in the one commit that ends a job well; every file's sha256 was verified."""

    weights: StoredFile
    evaluation: dict[str, Any]  # arm -> contract.results.evaluation.Evaluation as JSON
    exports: Sequence[FinishedExport]
    card: str
    environment: Mapping[str, Any] = field(default_factory=dict)  # of the published arm's training
    report: StoredFile | None = None  # report.html; every job of today has one
    predictions: StoredFile | None = None  # of the published arm, image by image; None where nothing was held out


def claim_next(session: Session, worker: str) -> Job | None:
    """The job whose turn it is. None where none waits whose tenant may have one more running, which is normal."""
    jobs = (claim(session, job_id, worker) for job_id in turns.candidates(session))
    return next((job for job in jobs if job is not None), None)


def claim(session: Session, job_id: str, worker: str) -> Job | None:
    """None where it is not there to be claimed, or its tenant has enough running."""
    if not quotas.may_run(session, job_id):
        return None
    job = leases.claim(session, Job, job_id, worker)
    if job is None:
        return None
    session.execute(update(Tenant).where(Tenant.id == job.tenant_id).values(served_at=func.now()))
    job.total_attempts += 1
    begun = {"fence": job.fence, "worker": worker, "trainer_seconds_before": job.gpu_seconds}
    session.execute(insert(JobAttempt).values(job_id=job.id, number=job.total_attempts, **begun))
    reason = f"attempt {job.total_attempts} on {worker}"
    events.append_all(
        session,
        job,
        [
            ("attempt", {"number": job.total_attempts, "worker": worker}),
            ("status", {"status": "running", "phase": job.phase, "reason": reason}),
        ],
    )
    job.updated_at = func.now()
    return job


def record(
    session: Session,
    claim: Claim,
    *,
    notes: Sequence[events.Note] = (),
    points: Sequence[dict[str, Any]] = (),
    progress: dict[str, Any] | None = None,
    phase: str | None = None,
    gpu_seconds: float = 0,
    lines: Sequence[logs.Line] = (),
) -> Wishes:
    """All that the trainer said since the last time, and a new lease, in one transaction. Raises Fenced."""
    values: dict[str, Any] = {"lease_expires_at": leases.lease_end(), "gpu_seconds": Job.gpu_seconds + gpu_seconds}
    if progress is not None:
        values |= {"progress": progress, "updated_at": func.now()}
    if phase is not None:
        values |= {"phase": phase}
    job = leases.write(session, Job, claim.job_id, claim.fence, **values)
    events.append_all(session, job, events.news(session, job.id, notes))
    curves.record_all(session, points)
    thresholds.announce(session, job, points)
    logs.append_all(session, job, lines)
    return Wishes(cancel=job.cancel_requested_at is not None, pause=job.pause_requested_at is not None)


def record_checkpoint(
    session: Session,
    claim: Claim,
    stored: StoredFile,
    *,
    arm: str,
    step: int,
    epoch: int,
    best: bool,
    figures: dict[str, float],
) -> list[str]:
    """A verified object becomes a checkpoint; one further on starts the count of attempts anew.

    Gives the keys no longer kept. Repeating it is harmless: an answer that was lost may be asked for again.
    """
    job = leases.write(session, Job, claim.job_id, claim.fence, updated_at=func.now())
    known = checkpoints(session, job.id, arm)
    if any(c.object_key == stored.key for c in known):
        return []
    if step > max((c.step for c in known), default=0):
        job.attempts = 0
    row = Checkpoint(
        id=new_id("ckpt"),
        tenant_id=job.tenant_id,
        job_id=job.id,
        arm=arm,
        step=step,
        epoch=epoch,
        fence=claim.fence,
        object_key=stored.key,
        bytes=stored.bytes,
        sha256=stored.sha256,
        best=best,
        metrics=figures,
    )
    if best:
        session.execute(update(Checkpoint).where(Checkpoint.job_id == job.id, Checkpoint.arm == arm).values(best=False))
    session.add(row)
    session.flush()
    events.append(session, job, "checkpoint", id=row.id, arm=arm, step=step, epoch=epoch, bytes=stored.bytes, best=best)
    return _drop_old_checkpoints(session, job.id, arm)


def checkpoints(session: Session, job_id: str, arm: str | None = None) -> list[Checkpoint]:
    """Newest first."""
    statement = select(Checkpoint).where(Checkpoint.job_id == job_id)
    if arm is not None:
        statement = statement.where(Checkpoint.arm == arm)
    return list(session.scalars(statement.order_by(Checkpoint.arm, Checkpoint.step.desc(), Checkpoint.id.desc())))


def publish(session: Session, claim: Claim, publication: Publication) -> str:
    """Model, exports and `succeeded` in one transaction; gives the model's id. Raises Fenced.

    A cancel that came before wins: then CancelledFirst is raised, and nothing was written.
    """
    job = leases.release(session, Job, claim.job_id, claim.fence, updated_at=func.now())
    if job.cancel_requested_at is not None:
        raise CancelledFirst
    model = _model(job, publication)
    session.add(model)
    session.flush()
    exports = [_export(model, finished) for finished in publication.exports]
    session.add_all(exports)
    session.flush()
    model.receipt = receipts.issue(session, job, model, exports, publication.environment)
    job.model_id = model.id
    job.progress = {**job.progress, "fraction": 1.0, "phase_fraction": 1.0, "eta_seconds": 0}
    for finished in publication.exports:
        data = {
            "format": finished.result.format,
            "precision": finished.result.precision,
            "status": finished.result.status,
            "warnings": [warning.message for warning in finished.result.warnings],
        }
        events.append(session, job, "export", **data)
    _end(session, job, status="succeeded", outcome="succeeded", reason="published")
    for export in exports:
        outbox.announce(session, export)
    return model.id


def give_back(session: Session, claim: Claim, *, outcome: str, reason: str) -> str:
    """End an attempt that was asked to stop, through no fault of the job: it is not counted. Gives the new status."""
    job = leases.give_back(session, Job, claim.job_id, claim.fence, counted=False, updated_at=func.now())
    return lost_attempts.end_attempt(session, job, outcome=outcome, reason=reason)


def crash(session: Session, claim: Claim, *, reason: str) -> str:
    """End an attempt that broke down; it counts against `max_attempts`. Gives the new status. Raises Fenced."""
    job = leases.release(session, Job, claim.job_id, claim.fence, updated_at=func.now())
    return lost_attempts.end_attempt(session, job, outcome="crashed", reason=reason)


def end(session: Session, claim: Claim, status: str, *, reason: str, error: JobError | None = None) -> None:
    """failed, cancelled or paused: what a worker may end a job with besides `publish`. Raises Fenced.

    A cancel asked for meanwhile wins.
    """
    job = leases.release(session, Job, claim.job_id, claim.fence, updated_at=func.now())
    if job.cancel_requested_at is not None:
        status, error, reason = "cancelled", None, lost_attempts.why_cancelled(session, job)
    if error is not None:
        job.error = error.model_dump()
    by_platform = error is not None and error.category == "platform"
    outcome = error.code if error else status
    _end(session, job, status=status, outcome=outcome, reason=reason, by_platform=by_platform)


class CancelledFirst(Exception):
    """A cancel was asked for before the publication; nothing was published."""


def _end(session: Session, job: Job, *, status: str, outcome: str, reason: str, by_platform: bool = False) -> None:
    usage.close(session, job, outcome, by_platform=by_platform)
    lost_attempts.move(session, job, status, reason=reason)


def _drop_old_checkpoints(session: Session, job_id: str, arm: str) -> list[str]:
    plain = [c for c in checkpoints(session, job_id, arm) if not c.best and not c.pinned]
    dropped = plain[KEPT_CHECKPOINTS:]
    for checkpoint in dropped:
        session.delete(checkpoint)
    return [c.object_key for c in dropped]


def _model(job: Job, publication: Publication) -> Model:
    published, report = publication.evaluation[published_arm(publication.evaluation)], publication.report
    predictions = publication.predictions
    return Model(
        id=new_id("model"),
        tenant_id=job.tenant_id,
        job_id=job.id,
        dataset_version_id=job.dataset_version_id,
        name=job.name or job.resolved["model"]["architecture"],
        task=job.resolved["task"],
        architecture=job.resolved["model"]["architecture"],
        method=published["method"],
        parameters=published["parameters"],
        macs=published["macs"],
        evaluation=publication.evaluation,
        figures=headline.of(published),
        card=publication.card,
        weights_key=publication.weights.key,
        weights_bytes=publication.weights.bytes,
        weights_sha256=publication.weights.sha256,
        report_key=report.key if report else None,
        report_bytes=report.bytes if report else None,
        report_sha256=report.sha256 if report else None,
        predictions_key=predictions.key if predictions else None,
        predictions_bytes=predictions.bytes if predictions else None,
        predictions_sha256=predictions.sha256 if predictions else None,
    )


def _export(model: Model, finished: FinishedExport) -> Export:
    result = finished.result
    return Export(
        id=new_id("exp"),
        tenant_id=model.tenant_id,
        model_id=model.id,
        format=result.format,
        precision=result.precision,
        constraints=result.constraints.model_dump(),
        **published.values(result, finished.stored),
    )
