"""Checkpoints are uploaded beside the training, which never waits for them."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from contract.child.messages import Checkpoint
from contract.specs import Plan
from core.database.database import transaction
from core.errors import StoreUnavailable
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.store import storage
from core.tables import Checkpoint as Row
from core.tables import Job
from tests.worker import seed
from tests.worker.processes import wait_for
from worker.claims.job_lease import JobLease
from worker.claims.job_log import JobLog
from worker.claims.job_progress import JobProgress
from worker.claims.ledger_writes import RETRY_SECONDS, LedgerAway
from worker.outputs import checkpoints
from worker.outputs.checkpoints import CheckpointUploads, restore


@pytest.fixture
def watch(version) -> JobLease:
    with transaction() as session:
        job = ledger.claim(session, seed.job(version).id, "w")
        claim = Claim(job.id, job.fence, "w")
    progress = JobProgress(Plan(groups=1, members=2, steps_per_epoch=1, epochs=1), control=False, known={})
    return JobLease(claim, progress, JobLog(Path("/nowhere")))


@pytest.fixture
def uploads(watch, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    made = CheckpointUploads(watch, out=out, spool=tmp_path / "spool")
    yield made
    made.close()


def saved(out: Path, step: int, *, best: bool = False, arm: str = "main") -> Checkpoint:
    """A checkpoint file and the trainer's message about it."""
    path = out / f"{arm}-{step}.ckpt"
    content = f"{arm} {step}".encode()
    path.write_bytes(content)
    return Checkpoint(
        arm=arm,
        step=step,
        epoch=1,
        path=path.name,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        best=best,
        metrics={},
    )


def recorded() -> list[tuple[str, int, bool]]:
    with transaction() as session:
        return [(row.arm, row.step, row.best) for row in session.scalars(select(Row).order_by(Row.created_at))]


@pytest.fixture
def store_away(monkeypatch):
    """A store that refuses until `.clear()`."""
    away = [True]
    put_file = storage.put_file

    def refuse(*arguments, **options):
        if away:
            raise StoreUnavailable("The object store is away")
        return put_file(*arguments, **options)

    monkeypatch.setattr(storage, "put_file", refuse)
    return away


def test_file_that_the_trainer_deletes_meanwhile_is_stored_all_the_same(uploads, tmp_path, store_away):
    message = saved(tmp_path / "out", 1)
    uploads.submit(message)
    (tmp_path / "out" / message.path).unlink()
    store_away.clear()
    wait_for(uploads.is_idle)
    (row,) = all_rows()
    assert storage.get_bytes(row.object_key) == b"main 1"
    assert list((tmp_path / "spool").iterdir()) == []


def test_file_that_is_gone_before_it_is_taken_is_left_out(uploads, tmp_path):
    message = saved(tmp_path / "out", 1)
    (tmp_path / "out" / message.path).unlink()
    uploads.submit(message)
    assert uploads.is_idle()


def test_while_the_store_is_away_only_the_newest_waits_and_no_submit_blocks(uploads, tmp_path, store_away):
    begun = time.monotonic()
    for step in range(1, 40):
        uploads.submit(saved(tmp_path / "out", step))
    assert time.monotonic() - begun < 1
    assert len(list((tmp_path / "spool").iterdir())) <= 2
    store_away.clear()
    wait_for(uploads.is_idle)
    assert recorded()[-1] == ("main", 39, False)
    assert len(recorded()) <= 2


def test_stored_checkpoint_is_recorded_once_the_ledger_is_back_and_not_stored_again(uploads, tmp_path, monkeypatch):
    puts, refusals, pauses, write_once, put_file = [], [], [], checkpoints.write_once, storage.put_file

    def away(write):
        if len(refusals) < 8:
            refusals.append(write)
            raise LedgerAway("away")
        return write_once(write)

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append)
    monkeypatch.setattr(checkpoints, "time", clock)
    monkeypatch.setattr(storage, "put_file", lambda *a, **o: puts.append(a) or put_file(*a, **o))
    monkeypatch.setattr(checkpoints, "write_once", away)
    uploads.submit(saved(tmp_path / "out", 1))
    wait_for(uploads.is_idle)
    assert recorded() == [("main", 1, False)]
    assert (len(puts), len(refusals)) == (1, 8)
    assert pauses == [RETRY_SECONDS] * 8  # they do not grow: sweepers wait no longer
    assert list((tmp_path / "spool").iterdir()) == []


def test_best_one_is_not_pushed_out_by_newer_ones(uploads, tmp_path, store_away):
    uploads.submit(saved(tmp_path / "out", 1))
    time.sleep(0.2)
    uploads.submit(saved(tmp_path / "out", 2, best=True))
    uploads.submit(saved(tmp_path / "out", 3))
    uploads.submit(saved(tmp_path / "out", 4))
    store_away.clear()
    wait_for(uploads.is_idle)
    assert ("main", 2, True) in recorded()
    assert ("main", 4, False) in recorded()


def test_altered_file_is_never_stored(uploads, tmp_path):
    message = saved(tmp_path / "out", 1)
    (tmp_path / "out" / message.path).write_bytes(b"altered")
    uploads.submit(message)
    wait_for(uploads.is_idle)
    assert recorded() == []
    assert storage.sizes("jobs/") == {}


def test_object_that_reads_back_otherwise_is_stored_again_before_its_row_is_there(uploads, tmp_path, monkeypatch):
    put_file, altered = storage.put_file, ["once"]

    def alter(key, path, **options):
        stored = put_file(key, path, **options)
        if altered:
            assert altered.pop()
            storage.put_bytes(key, b"mean 1")  # as long, and another
        return stored

    monkeypatch.setattr(storage, "put_file", alter)
    uploads.submit(saved(tmp_path / "out", 1))
    wait_for(lambda: not altered)
    assert recorded() == []
    wait_for(uploads.is_idle)
    (row,) = all_rows()
    assert storage.get_bytes(row.object_key) == b"main 1"


def test_lost_claim_ends_the_uploads_and_the_watch(uploads, watch, tmp_path):
    with transaction() as session:
        session.execute(update(Job).values(fence=Job.fence + 1))
    uploads.submit(saved(tmp_path / "out", 1))
    wait_for(lambda: watch.fenced)
    assert recorded() == []


def test_each_arm_restores_its_own_newest_checkpoint(uploads, watch, tmp_path):
    for step, arm in [(1, "main"), (2, "main"), (1, "control")]:
        uploads.submit(saved(tmp_path / "out", step, arm=arm))
        wait_for(uploads.is_idle)
    target = tmp_path / "again"
    assert restore(watch, all_rows(), "main", target) == 2
    (file,) = (target / "main" / "checkpoints").glob("*.ckpt")
    assert file.read_bytes() == b"main 2"
    assert (file.parent / f"{file.name}.sha256").read_text().split()[0] == hashlib.sha256(b"main 2").hexdigest()
    assert restore(watch, all_rows(), "control", target) == 1


def test_missing_and_altered_checkpoints_are_passed_over(uploads, watch, tmp_path):
    for step in (1, 2, 3):
        uploads.submit(saved(tmp_path / "out", step, best=step == 1))
        wait_for(uploads.is_idle)
    rows = all_rows()
    storage.delete([rows[0].object_key])
    storage.put_bytes(rows[1].object_key, b"altered")
    assert restore(watch, rows, "main", tmp_path / "again") == 1
    assert len(list((tmp_path / "again" / "main" / "checkpoints").iterdir())) == 2


def test_nothing_to_restore_is_step_0(watch, tmp_path):
    assert restore(watch, [], "main", tmp_path) == 0


def test_surprise_while_storing_leaves_that_checkpoint_out_and_the_next_is_stored(uploads, tmp_path, monkeypatch):
    put_file, surprises = storage.put_file, ["once"]

    def surprise(*arguments, **options):
        if surprises:
            raise ValueError(surprises.pop())
        return put_file(*arguments, **options)

    monkeypatch.setattr(storage, "put_file", surprise)
    for step in (1, 2):
        uploads.submit(saved(tmp_path / "out", step))
        wait_for(uploads.is_idle)
    assert recorded() == [("main", 2, False)]


def all_rows() -> list[Row]:
    with transaction() as session:
        return list(session.scalars(select(Row).order_by(Row.step.desc())))
