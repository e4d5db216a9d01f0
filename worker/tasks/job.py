"""The story of one job, top to bottom: claim, fetch, train, evaluate, export, publish.

How it may end otherwise is in `job_endings`. What happens while the trainer runs: `worker.children.supervision`.
"""

import logging
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from contract.child.messages import Arm
from contract.pack.manifest import PackManifest
from contract.results.exported import ExportResult
from contract.results.headline import headline_of
from contract.specs import plan
from contract.specs.estimate import schedule
from contract.specs.limits import LimitsSpec
from contract.specs.pace import Pace
from core.jobs import ledger, pace, spent
from core.jobs.ledger import Claim
from core.jobs.spent import Spent
from core.settings import settings
from core.tables import Checkpoint, DatasetVersion, Job
from core.weights import donors
from core.weights.donors import Donor
from worker.children.child import Child
from worker.children.supervision import supervise
from worker.claims import claiming
from worker.claims.job_lease import JobLease
from worker.claims.job_log import JobLog
from worker.claims.job_progress import JobProgress
from worker.claims.time_limits import TimeLimits
from worker.disk import donor_folders, packs, run_folder, scratch
from worker.outputs import checkpoints, publication
from worker.outputs.checkpoints import CheckpointUploads
from worker.tasks import job_endings
from worker.tasks.attempt import Attempt
from worker.tasks.job_messages import heed_trainer
from worker.telemetry import counters, logs

logger = logging.getLogger(__name__)
# All is trained: another worker could only train again what could not be stored. With the default, 40 minutes.
PUBLISH_STALL_LIMITS = 4


class Claimed(NamedTuple):
    """What the ledger says of a job at its claim."""

    job: Job
    version: DatasetVersion
    checkpoints: list[Checkpoint]
    teacher: Donor | None
    pretrained: Donor | None
    pace: Pace
    spent: Spent


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
            job_endings.settle(attempt, error)
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
        pace=pace.read(session, job.tenant_id),
        spent=spent.read(session, job),
    )


def _begin(claimed: Claimed, folder: Path) -> Attempt:
    job = claimed.job
    claim = Claim(job.id, job.fence, settings().worker_name)
    spec = run_folder.write_spec(folder, job, claimed.version)
    manifest = PackManifest.model_validate(claimed.version.manifest)
    expected = schedule(spec, manifest, claimed.pace)
    log = JobLog(folder)
    log.say(f"attempt {job.total_attempts} of this job")
    progress = JobProgress(plan(spec, manifest), control=spec.control, known=job.progress, schedule=expected)
    limits = TimeLimits(spec.limits or LimitsSpec(), claimed.spent, devices=spec.training.devices)
    lease = JobLease(claim, progress, log, limits)
    out = folder / "out"
    out.mkdir()
    uploads = CheckpointUploads(lease, out=out, spool=folder / "spool")
    held = {name: value for name, value in claimed._asdict().items() if name not in ("pace", "spent")}
    return Attempt(**held, spec=spec, folder=folder, lease=lease, uploads=uploads)


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
            _run_part(attempt, pack, "evaluate", "--arm", arm)
        evaluations = publication.read_evaluations(attempt.out, attempt.arms)
        for evaluation in evaluations.values():
            lease.note("evaluation", **_summary(evaluation.model_dump(mode="json")))
        judged = evaluations["main"].model_dump(mode="json")
        split = judged["splits"][judged["evaluation_split"]]
        lease.progress.on_evaluated(split["split"], headline_of(split))
        lease.enter("export")
        exports = _export_all(attempt, pack)
    lease.enter("publish")
    content = lease.patiently(
        lambda: publication.store_all(attempt.claim, attempt.out, evaluations=evaluations, exports=exports),
        stall_limits=PUBLISH_STALL_LIMITS,
    )
    attempt.uploads.finish()
    lease.log.say("published")
    job_endings.write_last(attempt, lambda session: ledger.publish(session, attempt.claim, content))
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
        _run_part(attempt, pack, "export", *publication.export_arguments(spec, folder), *taught)
        results[folder] = publication.read_export(folder)
    return results


def _run_part(attempt: Attempt, pack: Path, verb: str, *options: str | Path) -> None:
    """One of those that follow the training: timed, so that what is left can be told."""
    attempt.lease.progress.remaining.begin()
    _run_trainer(attempt, pack, verb, *options)
    attempt.lease.progress.remaining.end()


def _run_trainer(attempt: Attempt, pack: Path, verb: str, *options: str | Path) -> None:
    arguments = [verb, attempt.spec_file, "--pack", pack, "--out", attempt.out, *options]
    child = Child(settings().trainer_module, arguments, folder=attempt.folder, listen=attempt.lease.log.feed, warm=True)
    try:
        with attempt.lease.on_device():
            supervise(attempt.lease, child, lambda message: heed_trainer(message, attempt.lease, attempt.uploads))
    finally:
        attempt.lease.log.end_line()
        attempt.log += child.log


def _summary(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The figures of an evaluation that fit into an event."""
    split = evaluation["splits"][evaluation["evaluation_split"]]
    measured = {key: split.get(key) for key in ("samples", "nll", "ece")} | headline_of(split)
    return {"arm": evaluation["arm"], "method": evaluation["method"], "split": split["split"], **measured}
