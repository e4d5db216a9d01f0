"""What a customer may do with a job: submit, look, cancel, pause, resume, retry, clone, delete.

Nothing here commits or rings: the route commits, then rings (docs/architecture.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.specs import JobSpec, ResolvedSpec, SpecWarning, plan
from contract.specs.recipes import merge
from contract.specs.recipes.chosen import Chosen
from core import request_id
from core.accounts import quotas
from core.database import owned
from core.datasets.references import ready_version
from core.errors import NotFound, TeacherGone
from core.exports.ledger import hold_pack, require_pack
from core.ids import new_id
from core.jobs import deletion, events, lost_attempts, trials
from core.tables import Checkpoint, DatasetVersion, Job, JobAttempt
from core.tables.states import TERMINAL, require
from core.weights import donors, resolving

Checked = tuple[ResolvedSpec, DatasetVersion, list[SpecWarning]]


def check(session: Session, tenant_id: str, spec: JobSpec) -> Checked:
    """The resolved spec against its dataset. Raises Invalid, SpecInvalid, or Conflict for what is not ready."""
    version = ready_version(session, tenant_id, spec.dataset)
    manifest = PackManifest.model_validate(version.manifest)
    asked = spec.model_copy(update={"dataset": version.id})
    resolved, warnings = resolving.resolve(session, tenant_id, asked, manifest)
    trials.require(resolved, manifest)
    return resolved, version, warnings


def submit(session: Session, tenant_id: str, spec: JobSpec, chosen: Chosen | None = None) -> Job:
    """A queued job. The caller commits and then rings. Raises what `check` raises, or QuotaExceeded."""
    checked = check(session, tenant_id, spec)  # which may take seconds: before the tenant's other requests must wait
    quotas.hold(session, tenant_id)
    quotas.require_queue(session, tenant_id)
    job = enqueue(session, tenant_id, spec, checked, chosen=chosen)
    session.refresh(job)
    return job


def enqueue(
    session: Session,
    tenant_id: str,
    spec: JobSpec,
    checked: Checked,
    *,
    chosen: Chosen | None = None,
    trial: tuple[str, int] | None = None,
) -> Job:
    """A queued job of a spec that was checked. `trial`: of which comparison, and which of its methods."""
    resolved, version, warnings = checked
    comparison_id, comparison_method = trial or (None, None)
    job = Job(
        id=new_id("job"),
        tenant_id=tenant_id,
        comparison_id=comparison_id,
        comparison_method=comparison_method,
        dataset_version_id=version.id,
        name=spec.name,
        spec=spec.model_dump(mode="json"),
        resolved=resolved.model_dump(mode="json"),
        chosen=chosen.model_dump(mode="json") if chosen else None,
        labels=spec.labels,
        priority=spec.priority,
        status="queued",
        progress=first_progress(resolved, PackManifest.model_validate(version.manifest)),
        latest_event_seq=0,
    )
    session.add(job)
    session.flush()
    events.append(session, job, "status", status="queued", phase=None, reason="submitted")
    notices: list[tuple[events.EventType, dict[str, Any]]] = [
        ("notice", {"severity": "warning", **w.model_dump()}) for w in warnings
    ]
    if chosen:
        said = {"severity": "info", "code": "recipe_chosen", "message": chosen.message, "pointer": "/recipe"}
        notices.insert(0, ("notice", said))
    events.append_all(session, job, notices)
    return job


def first_progress(resolved: JobSpec, manifest: PackManifest) -> dict[str, Any]:
    """Progress before the first step. `steps` counts both arms when there is a control."""
    planned = plan(resolved, manifest)
    return {"epoch": 0, "epochs": planned.epochs, "step": 0, "steps": planned.steps * (2 if resolved.control else 1)}


def cancel(session: Session, tenant_id: str, job_id: str, *, reason: str = lost_attempts.BY_REQUEST) -> Job:
    """Ask for the end. At once where nobody works on the job; else the worker sees it at its next heartbeat."""
    job = owned.find(session, Job, tenant_id, job_id, lock=True)
    if job.status == "cancelled" or job.cancel_requested_at is not None:
        return job
    require("cancel", job.status)
    job.cancel_requested_at = func.now()
    events.append(session, job, "request", verb="cancel", reason=reason)
    if job.status != "running":
        _end(session, job, "cancelled", reason=reason)
    return _fresh(session, job)


def pause(session: Session, tenant_id: str, job_id: str, *, reason: str = "paused by request") -> Job:
    job = owned.find(session, Job, tenant_id, job_id, lock=True)
    if job.status == "paused" or job.pause_requested_at is not None:
        return job
    require("pause", job.status)
    job.pause_requested_at = func.now()
    events.append(session, job, "request", verb="pause", reason=reason)
    if job.status == "queued":
        job.status = "paused"
        events.append(session, job, "status", status="paused", phase=job.phase, reason=reason)
    return _fresh(session, job)


def resume(session: Session, tenant_id: str, job_id: str) -> Job:
    """Queue a paused, failed or cancelled job again; it goes on from its newest intact checkpoint."""
    job = _held(session, tenant_id, job_id)
    if _goes_on(job):
        return job
    require("resume", job.status)
    _requeue(session, job, verb="resume")
    return _fresh(session, job)


def retry(session: Session, tenant_id: str, job_id: str) -> Job:
    """Queue a failed or cancelled job again from the beginning: its checkpoints are forgotten, pinned ones too."""
    job = _held(session, tenant_id, job_id)
    if _goes_on(job):
        return job
    require("retry", job.status)
    for checkpoint in session.scalars(select(Checkpoint).where(Checkpoint.job_id == job.id)):
        session.delete(checkpoint)
    job.progress = {"epoch": 0, "epochs": job.progress["epochs"], "step": 0, "steps": job.progress["steps"]}
    job.phase = None
    _requeue(session, job, verb="retry")
    return _fresh(session, job)


def pin(session: Session, tenant_id: str, job_id: str, checkpoint_id: str, *, pinned: bool) -> Checkpoint:
    """Keep a checkpoint beside the newest and the best, or no longer. Raises NotFound where it was dropped meanwhile.

    The job is held: its worker drops old checkpoints under the same lock.
    """
    owned.find(session, Job, tenant_id, job_id, lock=True)
    checkpoint = checkpoint_of(session, tenant_id, job_id, checkpoint_id)
    checkpoint.pinned = pinned
    session.flush()
    return checkpoint


def checkpoint_of(session: Session, tenant_id: str, job_id: str, checkpoint_id: str) -> Checkpoint:
    """Raises NotFound where it is another job's."""
    checkpoint = owned.find(session, Checkpoint, tenant_id, checkpoint_id)
    if checkpoint.job_id != job_id:
        raise NotFound
    return checkpoint


def clone(session: Session, tenant_id: str, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a new job like this one, `changes` merged into its spec; the caller parses and submits it.

    What the default recipe chose for it is in its spec, also what it fitted into a time.
    """
    job = owned.find(session, Job, tenant_id, job_id)
    return merge({name: value for name, value in job.spec.items() if name != "budget_seconds"}, changes)


def delete(session: Session, tenant_id: str, job_id: str) -> list[str]:
    """Remove a terminal job with its model and files; gives the object prefixes to delete after the commit.

    Raises InUse while the model teaches another job.
    """
    return deletion.delete_all(session, tenant_id, [owned.find(session, Job, tenant_id, job_id).id])


def attempts(session: Session, job_id: str) -> Sequence[JobAttempt]:
    return session.scalars(select(JobAttempt).where(JobAttempt.job_id == job_id).order_by(JobAttempt.number)).all()


def _held(session: Session, tenant_id: str, job_id: str) -> Job:
    """Locked behind its tenant and its dataset: who deletes that cancels its jobs in the same order."""
    quotas.hold(session, tenant_id)
    of_job = select(Job.dataset_version_id).where(Job.id == job_id, Job.tenant_id == tenant_id)
    if (version_id := session.scalars(of_job).one_or_none()) is not None:
        hold_pack(session, version_id)
    return owned.find(session, Job, tenant_id, job_id, lock=True)


def _goes_on(job: Job) -> bool:
    """It waits or runs, and nobody asked for its end: to ask for more of the same is no error."""
    asked_to_stop = job.cancel_requested_at is not None or job.pause_requested_at is not None
    return job.status in ("queued", "running") and not asked_to_stop


def _requeue(session: Session, job: Job, *, verb: str) -> None:
    """Raises QuotaExceeded, DatasetDeleted or TeacherGone. The tenant is held."""
    require_pack(session, job.dataset_version_id)
    if donors.are_gone(session, job):
        raise TeacherGone
    quotas.require_queue(session, job.tenant_id)
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            status="queued",
            cancel_requested_at=None,
            pause_requested_at=None,
            error=None,
            attempts=0,
            finished_at=None,
            queued_at=func.now(),
            rung_at=None,
            request_id=request_id.current(),
        )
    )
    session.refresh(job)
    events.append(session, job, "request", verb=verb, gpu_seconds=job.gpu_seconds)
    events.append(session, job, "status", status="queued", phase=job.phase, reason=f"{verb} by request")


def _end(session: Session, job: Job, status: str, *, reason: str) -> None:
    if status not in TERMINAL:
        raise ValueError(status)
    job.status = status
    job.finished_at = func.now()
    events.append(session, job, "status", status=status, phase=job.phase, reason=reason)


def _fresh(session: Session, job: Job) -> Job:
    job.updated_at = func.now()
    session.flush()
    session.refresh(job)
    return job
