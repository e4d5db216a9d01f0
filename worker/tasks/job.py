"""The story of one job, top to bottom: claim, fetch, train, evaluate, export, publish.

How an attempt may end otherwise is at the end. What happens while the trainer runs is `worker.children.supervision`.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.orm import Session

from contract.child.messages import Arm
from contract.files import SPEC
from contract.pack.manifest import PackManifest
from contract.results.exported import ExportResult
from contract.results.headline import headline_of
from contract.specs import ResolvedSpec, plan
from core import queue
from core.errors import ChecksumMismatch, Fenced, NotFound, StoreUnavailable
from core.jobs import ledger
from core.jobs.ledger import CancelledFirst, Claim
from core.settings import settings
from core.tables import Checkpoint, DatasetVersion, Job
from core.weights import donors
from core.weights.donors import Donor
from worker.children.child import Child
from worker.children.supervision import Crashed, TrainerFailed, supervise
from worker.claims import claiming
from worker.claims.job_lease import JobLease
from worker.claims.job_progress import JobProgress
from worker.claims.lease import Asked, Stalled
from worker.claims.ledger_writes import RETRY_SECONDS, LedgerAway, write_once
from worker.disk import donor_folders, packs, run_folder, scratch
from worker.liveness import shutdown
from worker.outputs import checkpoints, publication
from worker.outputs.checkpoints import CheckpointUploads
from worker.tasks.job_messages import heed_trainer
from worker.telemetry import counters, logs

logger = logging.getLogger(__name__)
LEDGER_SHARE = 0.1  # of the grace at a shutdown, beside worker.outputs.checkpoints.GRACE_SHARE
# All is trained: another worker could only train again what could not be stored. With the default, 40 minutes.
PUBLISH_STALL_LIMITS = 4
Result = TypeVar("Result")


class Claimed(NamedTuple):
    """What the ledger says of a job at its claim."""

    job: Job
    version: DatasetVersion
    checkpoints: list[Checkpoint]
    teacher: Donor | None
    pretrained: Donor | None


@dataclass
class Attempt:
    """One claim on one job, and where its work lies."""

    job: Job
    version: DatasetVersion
    checkpoints: list[Checkpoint]
    teacher: Donor | None
    pretrained: Donor | None
    spec: ResolvedSpec
    folder: Path
    lease: JobLease
    uploads: CheckpointUploads
    log: bytes = b""

    @property
    def claim(self) -> Claim:
        return self.lease.claim

    @property
    def arms(self) -> tuple[Arm, ...]:
        return ("main", "control") if self.spec.control else ("main",)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def teacher_folder(self) -> Path:
        return self.folder / "teacher"

    @property
    def pretrained_folder(self) -> Path:
        return self.folder / "pretrained"

    @property
    def spec_file(self) -> Path:
        return self.folder / SPEC


def run_job(rung_for: str) -> None:
    """Answer the doorbell with the job whose turn it is. That there is none is normal: another worker was quicker."""
    claimed = claiming.answer("job", rung_for, _claim)
    if claimed is None:
        return
    job = claimed.job
    with (
        logs.about(job=job.id, fence=job.fence, request_id=job.request_id),
        scratch.folder(f"{job.id}-{job.fence}") as folder,
    ):
        attempt = _begin(claimed, folder)
        try:
            _work(attempt)
            counters.ended("job")
        except Exception as error:  # noqa: BLE001 - every way an attempt can end is settled there
            counters.ended("job", error)
            _settle_otherwise(attempt, error)
        finally:
            attempt.uploads.close()
            publication.keep_log(attempt.claim, attempt.log)


def _claim(session: Session, _: str) -> Claimed | None:
    job = ledger.claim_next(session, settings().worker_name)
    if job is None:
        return None
    session.flush()
    session.refresh(job)
    return Claimed(
        job=job,
        version=session.get_one(DatasetVersion, job.dataset_version_id),
        checkpoints=ledger.checkpoints(session, job.id),
        teacher=donors.teacher_of(session, job),
        pretrained=donors.pretrained_of(session, job),
    )


def _begin(claimed: Claimed, folder: Path) -> Attempt:
    job = claimed.job
    claim = Claim(job.id, job.fence, settings().worker_name)
    spec = run_folder.write_spec(folder, job, claimed.version)
    steps = plan(spec, PackManifest.model_validate(claimed.version.manifest))
    lease = JobLease(claim, JobProgress(steps, control=spec.control, known=job.progress))
    out = folder / "out"
    out.mkdir()
    uploads = CheckpointUploads(lease, out=out, spool=folder / "spool")
    return Attempt(**claimed._asdict(), spec=spec, folder=folder, lease=lease, uploads=uploads)


def _work(attempt: Attempt) -> None:
    """From the pack to the publication."""
    lease = attempt.lease
    lease.enter("download")
    donor_folders.lay_out(attempt.spec.method, attempt.teacher, attempt.teacher_folder, lease)
    donor_folders.lay_out_pretrained(attempt.spec.model, attempt.pretrained, attempt.pretrained_folder, lease)
    with packs.fetched(attempt.version, lease) as pack:
        lease.enter("train")
        for arm in attempt.arms:
            _train(attempt, pack, arm)
        lease.enter("evaluate")
        for arm in reversed(attempt.arms):  # the main arm is compared with its control
            _run_trainer(attempt, pack, "evaluate", "--arm", arm)
        evaluations = publication.read_evaluations(attempt.out, attempt.arms)
        for evaluation in evaluations.values():
            lease.note("evaluation", **_summary(evaluation.model_dump(mode="json")))
        lease.enter("export")
        exports = _export_all(attempt, pack)
    lease.enter("publish")
    content = lease.patiently(
        lambda: publication.store_all(attempt.claim, attempt.out, evaluations=evaluations, exports=exports),
        stall_limits=PUBLISH_STALL_LIMITS,
    )
    attempt.uploads.finish()
    _settle(attempt, lambda session: ledger.publish(session, attempt.claim, content))
    logger.info("published")


def _train(attempt: Attempt, pack: Path, arm: Arm) -> None:
    step = checkpoints.restore(attempt.lease, attempt.checkpoints, arm, attempt.out)
    logger.info("training the %s arm from step %d", arm, step)
    taught = donor_folders.options(attempt.teacher, attempt.teacher_folder, arm)
    begun = donor_folders.pretrained_options(attempt.pretrained, attempt.pretrained_folder)
    _run_trainer(attempt, pack, "train", "--arm", arm, *taught, *begun)
    attempt.lease.progress.on_done(arm)


def _export_all(attempt: Attempt, pack: Path) -> dict[Path, ExportResult]:
    """Every export that was asked for, gate_failed ones too: those are results."""
    results = {}
    for number, spec in enumerate(attempt.spec.exports):
        folder = attempt.folder / f"{number}-{spec.format}-{spec.precision}"
        folder.mkdir()
        taught = donor_folders.options(attempt.teacher, attempt.teacher_folder, "main")
        _run_trainer(attempt, pack, "export", *publication.export_arguments(spec, folder), *taught)
        results[folder] = publication.read_export(folder)
    return results


def _run_trainer(attempt: Attempt, pack: Path, verb: str, *options: str | Path) -> None:
    arguments = [verb, attempt.spec_file, "--pack", pack, "--out", attempt.out, *options]
    child = Child(settings().trainer_module, arguments, folder=attempt.folder)
    try:
        supervise(attempt.lease, child, lambda message: heed_trainer(message, attempt.lease, attempt.uploads))
    finally:
        attempt.log += child.log
        attempt.lease.add_gpu_seconds(time.monotonic() - child.started_at)


def _summary(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The figures of an evaluation that fit into an event."""
    split = evaluation["splits"][evaluation["evaluation_split"]]
    measured = {key: split.get(key) for key in ("samples", "nll", "ece")} | headline_of(split)
    return {"arm": evaluation["arm"], "method": evaluation["method"], "split": split["split"], **measured}


def _settle_otherwise(attempt: Attempt, ending: Exception) -> None:
    """What each ending but the publication means for the job."""
    claim = attempt.claim
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
                _settle(attempt, lambda s: ledger.end(s, claim, "failed", reason=error.code, error=error))
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


def _settle_asked(attempt: Attempt, asked: Asked) -> None:
    """The trainer has stopped; its last checkpoint is stored before the job changes hands."""
    attempt.uploads.wait(math.inf if asked.by == "lease" else checkpoints.grace_seconds())
    if asked.by == "cancel":
        _end(attempt, "cancelled")
    elif asked.by == "pause":
        _end(attempt, "paused")
    else:
        reason = "the worker shuts down" if asked.by == "shutdown" else "the ledger could not be reached in time"
        _give_back(attempt, asked.by, reason)


def _end(attempt: Attempt, status: str) -> None:
    logger.info("%s by request", status)
    _settle(attempt, lambda s: ledger.end(s, attempt.claim, status, reason=f"{status} by request"))


def _give_back(attempt: Attempt, outcome: str, reason: str) -> None:
    status = _settle(attempt, lambda s: ledger.give_back(s, attempt.claim, outcome=outcome, reason=reason))
    _ring(attempt, status)


def _crash(attempt: Attempt, reason: str) -> None:
    logger.warning("attempt lost: %s", reason)
    attempt.uploads.wait(checkpoints.grace_seconds())
    seconds = attempt.lease.age_seconds
    status = _settle(attempt, lambda s: ledger.crash(s, attempt.claim, reason=reason, fault_seconds=seconds))
    _ring(attempt, status)


def _ring(attempt: Attempt, status: str) -> None:
    logger.info("the job is %s", status)
    if status == "queued":
        queue.ring("worker.train", attempt.job.id)


def _settle(attempt: Attempt, write: Callable[[Session], Result]) -> Result:
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
