"""One job from claim to publication, and every other way an attempt can end. Only the trainer is a fake."""

from __future__ import annotations

import hashlib
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from contract.files import CHECKPOINTS
from contract.specs import ExportSpec
from core.database.database import transaction
from core.errors import StoreUnavailable
from core.exports import ledger as model_exports
from core.jobs import requests
from core.store import storage
from core.tables import Checkpoint, DatasetVersion, Export, Job, JobAttempt, JobEvent, JobLogLine, JobMetric, Model
from patchswap import receipts
from tests.conftest import forget_settings
from tests.worker import seed
from tests.worker.fake_trainer import REPORT
from tests.worker.processes import wait_until
from worker.claims.job_lease import JobLease
from worker.liveness import shutdown
from worker.outputs import publication
from worker.tasks.job import run_job
from worker.tasks.turn import run_next

SLOW = {"fake/step_seconds": "0.1"}


@pytest.fixture
def background() -> Iterator[Callable[[str], object]]:
    """Runs jobs beside the test; the test ends when they have."""
    with ThreadPoolExecutor() as pool:
        yield lambda job_id: pool.submit(run_job, job_id)
        shutdown.request()
    shutdown.forget()


def rows(table: type, **where: object) -> list:
    with transaction() as session:
        return list(session.scalars(select(table).filter_by(**where)))


def events(job_id: str, type_: str) -> list[dict]:
    return [event.data for event in sorted(rows(JobEvent, job_id=job_id, type=type_), key=lambda e: e.seq)]


def weights(job: Job) -> str:
    return rows(Model, job_id=job.id)[0].weights_sha256


def uninterrupted(steps: int = seed.STEPS, arm: str = "main") -> str:
    """The sha256 of the fake trainer's weights when nothing went wrong."""
    state = arm.encode()
    for step in range(1, steps + 1):
        state = hashlib.sha256(state + step.to_bytes(4, "big")).digest()
    return hashlib.sha256(state).hexdigest()


def test_job_with_control_is_published_whole(version):
    exports = [{"precision": "fp32"}, {"precision": "int8", "constraints": {"max_drop_points": 0}}]
    job = seed.job(version, control=True, exports=exports)
    run_job(job.id)
    job = seed.read(job.id)
    assert (job.status, job.worker, job.lease_expires_at) == ("succeeded", None, None)
    assert job.progress["step"] == job.progress["steps"] == 2 * seed.STEPS
    assert job.progress["fraction"] == 1
    assert job.progress["best"] == {"metric": "val.top1_accuracy", "value": pytest.approx(20 / 21), "epoch": 2}
    assert job.gpu_seconds > 0
    assert [event["phase"] for event in events(job.id, "phase")] == [
        *("download", "train", "evaluate", "export", "publish")
    ]
    assert [(a.number, a.outcome) for a in rows(JobAttempt, job_id=job.id)] == [(1, "succeeded")]
    assert {m.key for m in rows(JobMetric, job_id=job.id)} == {
        *("train.loss", "val.top1_accuracy", "control.train.loss", "control.val.top1_accuracy")
    }
    assert weights(job) == uninterrupted()
    receipt = receipts.read(rows(Model, job_id=job.id)[0].receipt).content
    assert receipt["weights"]["sha256"] == weights(job)
    assert receipt["environment"]["threads"] == 1
    kept = [(c.arm, c.step, c.sha256) for c in rows(Checkpoint, job_id=job.id)]
    assert sorted((c["arm"], c["step"], c["sha256"]) for c in receipt["checkpoints"]) == sorted(kept)


@pytest.mark.parametrize(
    ("limit", "clock"), [("max_seconds", "age_seconds"), ("max_device_seconds", "trainer_seconds")]
)
def test_job_beyond_its_limit_ends_at_a_checkpoint_and_goes_on_by_request(version, monkeypatch, limit, clock):
    job = seed.job(version, labels={"fake/checkpoint_steps": "100"} | SLOW, limits={limit: 50})
    with monkeypatch.context() as patch:  # an hour goes by with the third step
        passed = property(lambda lease: 3_600.0 if lease.progress.as_json()["step"] >= 3 else 0.0)
        patch.setattr(JobLease, clock, passed)
        run_job(job.id)
    job = seed.read(job.id)
    assert (job.status, job.error["code"], job.error["retryable"]) == ("failed", "time_limit", True)
    assert f"`limits.{limit}`, 50 s, at step {job.progress['step']} of 20" in job.error["message"]
    (checkpoint,) = rows(Checkpoint, job_id=job.id)
    assert 3 <= checkpoint.step < seed.STEPS
    with transaction() as session:
        requests.resume(session, job.tenant_id, job.id)
    run_job(job.id)
    job = seed.read(job.id)
    assert (job.status, weights(job)) == ("succeeded", uninterrupted())


def test_log_says_what_trainer_and_worker_did_until_the_crash(version):
    job = seed.job(version, labels={"fake/mode": "segfault"})
    run_job(job.id)
    lines = sorted(rows(JobLogLine, job_id=job.id), key=lambda line: line.seq)
    said = [(line.source, line.text) for line in lines]
    assert said[0] == ("worker", "attempt 1 of this job")
    assert ("worker", "phase: train") in said
    assert ("trainer", "about to touch what is not ours") in said
    assert said[-1][1].startswith("the attempt ends: the process ended with signal SIGSEGV")
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("killed_at", ["nowhere", "evaluate"])
def test_the_better_control_is_published_also_after_a_crash_between_training_and_evaluation(
    version, tmp_path, killed_at
):
    crash = {"fake/mode": "exit", "fake/at": killed_at, "fake/once": str(tmp_path / "once")}
    job = seed.job(version, control=True, exports=[{}], labels={"fake/better_control": "yes", **crash})
    run_job(job.id)
    if killed_at == "evaluate":
        assert seed.read(job.id).status == "queued"
        run_job(job.id)
    assert seed.read(job.id).status == "succeeded"
    (model,), (export,) = rows(Model, job_id=job.id), rows(Export)
    control = uninterrupted(arm="control")
    assert (model.weights_sha256, model.method) == (control, "cross_entropy")
    assert model.figures["top1_accuracy"] == 1.0
    bundle = zipfile.ZipFile(BytesIO(storage.get_bytes(export.object_key)))
    assert hashlib.sha256(bundle.read("model.onnx")).hexdigest() == control

    with transaction() as session:
        later = model_exports.submit(session, model.tenant_id, model.id, ExportSpec(precision="int8"))
    run_next("export", later.id)
    bundle = zipfile.ZipFile(BytesIO(storage.get_bytes(rows(Export, id=later.id)[0].object_key)))
    assert hashlib.sha256(bundle.read("model.onnx")).hexdigest() == control


def test_main_is_published_where_the_spec_says_so(version):
    job = seed.job(version, control=True, selection="main", exports=[], labels={"fake/better_control": "yes"})
    run_job(job.id)
    assert weights(job) == uninterrupted()


def test_every_published_file_is_in_the_store_with_its_sha256(version):
    job = seed.job(version, exports=[{"precision": "fp32"}, {"precision": "int8"}])
    run_job(job.id)
    (model,) = rows(Model, job_id=job.id)
    exports = rows(Export, model_id=model.id)
    files = [
        (model.weights_key, model.weights_sha256),
        (model.report_key, model.report_sha256),
        *((e.object_key, e.sha256) for e in exports),
    ]
    assert len(files) == 4
    for key, sha256 in files:
        assert key.startswith(f"jobs/{job.id}/1/")
        assert hashlib.sha256(storage.get_bytes(key)).hexdigest() == sha256
    assert zipfile.ZipFile(BytesIO(storage.get_bytes(exports[0].object_key))).namelist()
    assert model.card == "# A model\n\nonnx fp32\n"
    assert storage.get_bytes(model.report_key).decode() == REPORT
    assert model.report_bytes == len(REPORT)


def test_export_that_fails_its_gate_is_published_with_its_status(version):
    job = seed.job(version, exports=[{"constraints": {"max_drop_points": 0}}, {}])
    run_job(job.id)
    assert seed.read(job.id).status == "succeeded"
    assert sorted(e.status for e in rows(Export)) == ["gate_failed", "succeeded"]


@pytest.mark.parametrize(("mode", "place"), [("nan", "3"), ("gpu_oom", "3"), ("gpu_oom", "export")])
def test_error_that_the_trainer_names_fails_the_job_at_once(version, mode, place):
    job = seed.job(version, labels={"fake/mode": mode, "fake/at": place})
    run_job(job.id)
    job = seed.read(job.id)
    assert job.status == "failed"
    assert job.error["code"] in ("loss_nan", "gpu_oom")
    assert job.total_attempts == 1
    assert not rows(Model)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("segfault", "signal SIGSEGV: about to touch what is not ours"),
        ("oom_kill", "signal SIGKILL"),
        ("exit", "exit code 7"),
        ("garbage", "no message of the protocol"),
    ],
)
def test_crash_gives_the_job_back_at_once(version, mode, words):
    job = seed.job(version, labels={"fake/mode": mode})
    run_job(job.id)
    job = seed.read(job.id)
    assert (job.status, job.attempts, job.worker) == ("queued", 1, None)
    assert words in events(job.id, "status")[-1]["reason"]
    assert [a.outcome for a in rows(JobAttempt, job_id=job.id)] == ["crashed"]
    assert job.platform_fault_seconds > 0


def test_trainer_that_hangs_is_killed_after_the_stall_limit(version, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "5")
    forget_settings()
    job = seed.job(version, labels={"fake/mode": "hang"})
    begun = time.monotonic()
    run_job(job.id)
    assert time.monotonic() - begun < 5 + 15
    assert seed.read(job.id).status == "queued"
    assert "no progress for 5 s" in events(job.id, "status")[-1]["reason"]


def test_job_that_crashes_three_times_at_one_place_is_poison(version):
    job = seed.job(version, labels={"fake/mode": "segfault", "fake/at": "7"})
    for _ in range(5):
        run_job(job.id)
    job = seed.read(job.id)
    assert job.status == "failed"
    assert job.error["code"] == "poison"
    assert "SIGSEGV: about to touch" in job.error["message"]
    assert job.total_attempts == 4  # the first reached a checkpoint, at step 5, which starts the count anew


def test_crashed_job_goes_on_from_its_checkpoint_and_ends_with_the_same_weights(version, tmp_path):
    once = {"fake/mode": "oom_kill", "fake/at": "13", "fake/once": str(tmp_path / "once")}
    job = seed.job(version, labels=once | {"fake/step_seconds": "0.05"})
    run_job(job.id)
    assert seed.read(job.id).status == "queued"
    run_job(job.id)
    assert seed.read(job.id).status == "succeeded"
    started = [e["message"] for e in events(job.id, "notice") if e["code"] == "training_started"]
    assert "begins" in started[0]
    assert "continues at step 10" in started[1]
    assert weights(job) == uninterrupted()


def test_progress_never_goes_back_while_lost_steps_are_done_again(version, tmp_path, background):
    once = {"fake/mode": "oom_kill", "fake/at": "14", "fake/once": str(tmp_path / "once")}
    labels = once | {"fake/step_seconds": "0.1", "fake/checkpoint_steps": "10"}
    job = seed.job(version, labels=labels)
    run_job(job.id)
    reached = seed.read(job.id).progress["step"]
    assert reached == 14
    background(job.id)
    seen = []
    wait_until(job.id, lambda job: seen.append(job.progress["step"]) or job.status == "succeeded")
    assert seen == sorted(seen)
    assert seen[0] == 14


def test_cancel_of_a_running_job_keeps_its_checkpoint(version, background):
    job = seed.job(version, labels=SLOW | {"fake/checkpoint_steps": "100"})
    background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    with transaction() as session:
        requests.cancel(session, job.tenant_id, job.id)
    job = wait_until(job.id, lambda job: job.status == "cancelled")
    assert job.worker is None
    assert [c.step for c in rows(Checkpoint, job_id=job.id)] == [job.progress["step"]]
    assert not rows(Model)


def test_cancelled_job_in_the_queue_is_never_claimed(version):
    job = seed.job(version)
    with transaction() as session:
        requests.cancel(session, job.tenant_id, job.id)
    run_job(job.id)
    assert (seed.read(job.id).status, seed.read(job.id).total_attempts) == ("cancelled", 0)


def test_cancel_during_the_publication_wins(version, monkeypatch):
    job = seed.job(version)
    store_all = publication.store_all

    def cancelled_meanwhile(*arguments, **options):
        with transaction() as session:
            requests.cancel(session, job.tenant_id, job.id)
        return store_all(*arguments, **options)

    monkeypatch.setattr(publication, "store_all", cancelled_meanwhile)
    run_job(job.id)
    assert seed.read(job.id).status == "cancelled"
    assert not rows(Model)
    assert not rows(Export)


def test_paused_job_resumes_with_no_step_lost(version, background):
    job = seed.job(version, labels=SLOW | {"fake/checkpoint_steps": "100"})
    background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    with transaction() as session:
        requests.pause(session, job.tenant_id, job.id)
    paused = wait_until(job.id, lambda job: job.status == "paused")
    with transaction() as session:
        requests.resume(session, job.tenant_id, job.id)
    background(job.id)
    job = wait_until(job.id, lambda job: job.status == "succeeded")
    assert f"continues at step {paused.progress['step']}" in [e["message"] for e in events(job.id, "notice")][-1]
    assert weights(job) == uninterrupted()


def test_shutdown_gives_back_without_counting_the_attempt(version, background):
    job = seed.job(version, labels=SLOW | {"fake/checkpoint_steps": "100"})
    background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    shutdown.request()
    job = wait_until(job.id, lambda job: job.status == "queued")
    assert job.attempts == 0
    assert [c.step for c in rows(Checkpoint, job_id=job.id)] == [job.progress["step"]]
    assert [a.outcome for a in rows(JobAttempt, job_id=job.id)] == ["shutdown"]


def test_trainer_deaf_to_sigterm_is_killed_within_the_grace(version, background, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_GRACE_SECONDS", "4")
    forget_settings()
    job = seed.job(version, labels=SLOW | {"fake/mode": "deaf", "fake/at": "0", "fake/step_seconds": "1"})
    background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 1)
    shutdown.request()
    begun = time.monotonic()
    wait_until(job.id, lambda job: job.status == "queued")
    assert time.monotonic() - begun < 10


def test_worker_that_lost_its_claim_writes_nothing_more(version, background):
    job = seed.job(version, labels=SLOW)
    background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    with transaction() as session:
        session.execute(update(Job).values(lease_expires_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 1)))
        seed.take_back_silent(session)
    before = seed.read(job.id)
    assert before.status == "queued"
    threading.Event().wait(2.5)
    after = seed.read(job.id)
    assert after.latest_event_seq == before.latest_event_seq
    assert (after.progress, after.status) == (before.progress, "queued")


def test_checkpoint_that_cannot_be_stored_costs_no_publication(version, monkeypatch):
    store_verified = publication.store_verified

    def away_for_checkpoints(key: str, path: Path) -> storage.StoredFile:
        if CHECKPOINTS in key:
            raise StoreUnavailable("away")
        return store_verified(key, path)

    monkeypatch.setattr(publication, "store_verified", away_for_checkpoints)
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "8")
    forget_settings()
    job = seed.job(version)
    run_job(job.id)
    assert seed.read(job.id).status == "succeeded"


def test_publication_after_a_lost_lease_writes_nothing(version, monkeypatch):
    job = seed.job(version)
    store_all = publication.store_all

    def claimed_by_another(*arguments, **options):
        content = store_all(*arguments, **options)
        with transaction() as session:
            session.execute(update(Job).values(fence=Job.fence + 1, worker="another"))
        return content

    monkeypatch.setattr(publication, "store_all", claimed_by_another)
    run_job(job.id)
    job = seed.read(job.id)
    assert (job.status, job.worker, job.model_id) == ("running", "another", None)
    assert not rows(Model)
    assert not rows(Export)


def test_pack_that_is_not_what_was_stored_is_never_trained_on(version):
    storage.put_bytes(f"{version.object_prefix}samples.arrow", b"something else")
    job = seed.job(version)
    run_job(job.id)
    job = seed.read(job.id)
    assert job.status == "queued"
    assert "sha256 differs" in events(job.id, "status")[-1]["reason"]
    assert not [e for e in events(job.id, "phase") if e["phase"] == "train"]


def test_words_of_the_trainer_are_kept_as_the_log(version):
    job = seed.job(version, labels={"fake/mode": "segfault"})
    run_job(job.id)
    assert b"about to touch" in storage.get_bytes(f"jobs/{job.id}/1/trainer.log")


def test_unknown_id_on_the_doorbell_is_ignored(version: DatasetVersion):
    run_job("job_unknown")
