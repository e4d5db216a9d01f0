"""What a worker writes counts only under its fence; what an attempt leaves behind is decided in one place."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from contract.child.messages import JobError
from contract.results.exported import ExportResult
from contract.specs import Constraints
from core.database.database import transaction
from core.errors import Fenced
from core.jobs import ledger, requests
from core.jobs.ledger import CancelledFirst, Claim, FinishedExport, Publication
from core.store.storage import StoredFile
from core.tables import Checkpoint, Export, Job, JobAttempt, JobEvent, JobMetric, Model
from tests.worker import seed

ERROR = JobError(code="loss_nan", category="user_spec", retryable=False, message="m", remediation="r")
FILE = StoredFile("jobs/x/1/model.safetensors", 3, "0" * 64)


@pytest.fixture
def job(database: str) -> Job:
    return seed.job(seed.version(seed.tenant()))


def claim(job: Job, worker: str = "w") -> Claim:
    with transaction() as session:
        row = ledger.claim(session, job.id, worker)
        assert row
        return Claim(row.id, row.fence, worker)


def write(verb, *arguments, **options):
    with transaction() as session:
        return verb(session, *arguments, **options)


def checkpoint(held: Claim, step: int, *, arm: str = "main", best: bool = False) -> list[str]:
    stored = StoredFile(f"jobs/{held.job_id}/{held.fence}/checkpoints/{arm}/step-{step:06}.ckpt", 1, "0" * 64)
    return write(ledger.record_checkpoint, held, stored, arm=arm, step=step, epoch=1, best=best, figures={})


def publication() -> Publication:
    result = ExportResult(
        format="onnx",
        precision="fp32",
        status="succeeded",
        constraints=Constraints(),
        violations=[],
        bytes=3,
        sha256="0" * 64,
        measured={},
    )
    evaluation = {"main": {"method": "patch_swap", "parameters": 1, "macs": 2}}
    return Publication(weights=FILE, evaluation=evaluation, exports=[FinishedExport(result, FILE)], card="# c")


def expire() -> None:
    with transaction() as session:
        session.execute(update(Job).values(lease_expires_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 1)))
        seed.take_back_silent(session)


def count(table: type) -> int:
    with transaction() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def outcomes(job: Job) -> list[str | None]:
    with transaction() as session:
        return list(
            session.scalars(select(JobAttempt.outcome).where(JobAttempt.job_id == job.id).order_by(JobAttempt.number))
        )


def test_stale_worker_writes_nothing_of_any_kind(job):
    stale = claim(job, "first")
    expire()
    held = claim(job, "second")
    events, row = count(JobEvent), seed.read(job.id)
    point = {"job_id": job.id, "key": "loss", "step": 1, "epoch": 1, "value": 1.0}
    for verb, options in [
        (ledger.record, {"notes": [("notice", {"message": "m"})], "points": [point], "progress": {"step": 9}}),
        (ledger.record, {"phase": "export"}),
        (ledger.give_back, {"outcome": "o", "reason": "r"}),
        (ledger.crash, {"reason": "r"}),
        (ledger.end, {"status": "failed", "reason": "r", "error": ERROR}),
        (ledger.publish, {"publication": publication()}),
    ]:
        with pytest.raises(Fenced):
            write(verb, stale, **options)
    with pytest.raises(Fenced):
        checkpoint(stale, 5)
    after = seed.read(job.id)
    assert (after.status, after.worker, after.fence) == ("running", "second", held.fence)
    assert (after.progress, after.phase, after.latest_event_seq) == (row.progress, row.phase, row.latest_event_seq)
    assert (count(JobEvent), count(JobMetric), count(Checkpoint)) == (events, 0, 0)
    assert (count(Model), count(Export)) == (0, 0)


def test_events_of_a_job_are_numbered_without_gaps(job):
    held = claim(job)
    write(ledger.record, held, notes=[("notice", {"n": 1}), ("notice", {"n": 2})])
    write(ledger.record, held, notes=[("notice", {"n": 3})])
    with transaction() as session:
        rows = session.scalars(select(JobEvent.seq).where(JobEvent.job_id == job.id).order_by(JobEvent.seq)).all()
    assert rows == list(range(1, len(rows) + 1))
    assert seed.read(job.id).latest_event_seq == len(rows)


def test_warning_of_the_spec_is_said_once_however_many_attempts_there_are(job):
    warning = {"severity": "warning", "code": "batch_reduced", "message": "batches of 8 pairs are used", "data": {}}
    begun = {"severity": "info", "code": "training_started", "message": "Training begins.", "data": {}}
    for _ in range(2):
        held = claim(job)
        write(ledger.record, held, notes=[("notice", warning), ("notice", begun)])
        write(ledger.give_back, held, outcome="worker_shutdown", reason="the worker stops")
    with transaction() as session:
        said = session.scalars(select(JobEvent.data["code"].astext).where(JobEvent.type == "notice"))
        assert sorted(said) == ["batch_reduced", "training_started", "training_started"]


def test_record_tells_what_was_asked_meanwhile(job):
    held = claim(job)
    assert write(ledger.record, held) == ledger.Wishes(cancel=False, pause=False)
    write(requests.pause, job.tenant_id, job.id)
    assert write(ledger.record, held) == ledger.Wishes(cancel=False, pause=True)
    write(requests.cancel, job.tenant_id, job.id)
    assert write(ledger.record, held) == ledger.Wishes(cancel=True, pause=True)


def test_attempts_without_a_newer_checkpoint_end_as_poison(job):
    for _ in range(2):
        assert write(ledger.crash, claim(job), reason="signal SIGSEGV") == "queued"
    assert write(ledger.crash, claim(job), reason="signal SIGSEGV") == "failed"
    row = seed.read(job.id)
    assert row.error["code"] == "poison"
    assert "signal SIGSEGV" in row.error["message"]
    assert row.platform_fault_seconds > 0
    assert outcomes(job) == ["crashed"] * 3


def test_crashes_and_silent_workers_count_together(job):
    write(ledger.crash, claim(job), reason="r")
    claim(job)
    expire()
    claim(job)
    expire()
    assert seed.read(job.id).error["code"] == "poison"
    assert outcomes(job) == ["crashed", "worker_lost", "worker_lost"]


def test_newer_checkpoint_starts_the_count_anew_and_an_equal_one_does_not(job):
    checkpoint(claim(job), 5)
    assert seed.read(job.id).attempts == 0
    expire()
    checkpoint(claim(job), 5)
    assert seed.read(job.id).attempts == 1
    expire()
    checkpoint(claim(job), 6)
    assert seed.read(job.id).attempts == 0


def test_shutdown_is_not_counted(job):
    for _ in range(5):
        assert write(ledger.give_back, claim(job), outcome="shutdown", reason="deploy") == "queued"
    assert seed.read(job.id).attempts == 0


@pytest.mark.parametrize(("asked", "becomes"), [("cancel", "cancelled"), ("pause", "paused")])
@pytest.mark.parametrize("ending", ["crash", "silence"])
def test_request_is_met_when_the_attempt_ends_by_itself(job, asked, becomes, ending):
    held = claim(job)
    write(getattr(requests, asked), job.tenant_id, job.id)
    if ending == "crash":
        write(ledger.crash, held, reason="r")
    else:
        expire()
    assert seed.read(job.id).status == becomes


def test_cancel_wins_over_a_pause_and_over_a_failure(job):
    held = claim(job)
    write(requests.cancel, job.tenant_id, job.id)
    write(ledger.end, held, "failed", reason="r", error=ERROR)
    assert (seed.read(job.id).status, seed.read(job.id).error) == ("cancelled", None)


def test_cancel_before_the_publication_leaves_nothing_published(job):
    held = claim(job)
    write(requests.cancel, job.tenant_id, job.id)
    with pytest.raises(CancelledFirst):
        write(ledger.publish, held, publication())
    assert seed.read(job.id).status == "running"
    assert (count(Model), count(Export)) == (0, 0)


def test_publication_is_one_commit_and_happens_once(job):
    held = claim(job)
    write(ledger.publish, held, publication())
    row = seed.read(job.id)
    assert (row.status, row.worker, row.finished_at is not None) == ("succeeded", None, True)
    assert (count(Model), count(Export)) == (1, 1)
    with pytest.raises(Fenced):
        write(ledger.publish, held, publication())
    assert outcomes(job) == ["succeeded"]


def test_newest_two_best_and_pinned_checkpoints_are_kept(job):
    held = claim(job)
    checkpoint(held, 1, best=True)
    checkpoint(held, 2)
    with transaction() as session:
        session.execute(update(Checkpoint).where(Checkpoint.step == 2).values(pinned=True))
    checkpoint(held, 3)
    checkpoint(held, 4)
    dropped = checkpoint(held, 5)
    assert [key.split("/")[-1] for key in dropped] == ["step-000003.ckpt"]
    checkpoint(held, 1, arm="control")
    with transaction() as session:
        assert [c.step for c in ledger.checkpoints(session, job.id, "main")] == [5, 4, 2, 1]


def test_checkpoint_recorded_twice_is_one_checkpoint(job):
    held = claim(job)
    checkpoint(held, 5)
    checkpoint(held, 5)
    assert count(Checkpoint) == 1


def test_retry_forgets_checkpoints_and_progress(job):
    held = claim(job)
    checkpoint(held, 5)
    write(ledger.record, held, progress={"epoch": 2, "epochs": 2, "step": 19, "steps": 20, "fraction": 0.95})
    write(ledger.end, held, "failed", reason="r", error=ERROR)
    write(requests.retry, job.tenant_id, job.id)
    assert seed.read(job.id).progress == {"epoch": 0, "epochs": 2, "step": 0, "steps": 20}
    assert count(Checkpoint) == 0


def test_deletion_gives_every_prefix_that_the_job_and_its_model_fill(job):
    write(ledger.publish, claim(job), publication())
    prefixes = write(requests.delete, job.tenant_id, job.id)
    assert prefixes[0] == f"jobs/{job.id}/"
    assert prefixes[1].startswith("exports/exp_")
    assert (count(Job), count(Model), count(Export)) == (0, 0, 0)
