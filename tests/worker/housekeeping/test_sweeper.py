"""What got lost is found: messages, leases, uploads, objects, folders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from core import queue, removals
from core.database.database import longest_seconds, session_factory, transaction
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.store import storage
from core.store.storage import StoredFile
from core.tables import IdempotencyKey, Job, Upload
from tests.conftest import forget_settings
from tests.servers.cut_uploads import leave_unfinished
from tests.servers.redis import RedisServer
from tests.servers.wire import Wire
from tests.worker import seed
from tests.worker.processes import Worker, wait_for
from worker.disk import scratch
from worker.housekeeping import orphans, sweeper


@pytest.fixture
def patient(version, monkeypatch) -> None:
    """Every queued row is due."""
    monkeypatch.setenv("PATCHSWAP_SWEEP_SECONDS", "0")
    monkeypatch.setenv("PATCHSWAP_ORPHAN_TTL_SECONDS", "-5")  # Swift rounds an object's time up
    forget_settings()


def ring(name: str) -> int:
    return sweeper.ring_missing(name, sweeper.BELLS[name])


def test_queue_gets_one_message_for_each_row_that_has_none(version, patient):
    for _ in range(3):
        seed.job(version)
    assert ring("train") == 3
    assert queue.depth("train") == 3


def test_rows_with_a_message_waiting_are_not_rung_again(version, patient):
    for _ in range(3):
        queue.ring("worker.train", seed.job(version).id)
    assert ring("train") == 0
    seed.job(version)
    assert ring("train") == 1
    assert queue.depth("train") == 4


def test_sweeper_that_stops_in_the_middle_holds_up_the_others_for_a_short_transaction_only(version, fresh_engines):
    stopped = session_factory("sweep")()
    sweeper._look(stopped)
    assert not sweeper.sweep()
    wait_for(sweeper.sweep, seconds=longest_seconds("sweep") + 3)
    stopped.invalidate()


def test_row_that_cannot_be_taken_back_holds_up_no_other(version, patient, monkeypatch):
    bad, held, good = (seed.job(version) for _ in range(3))
    with transaction() as session:
        for job in (bad, held, good):
            ledger.claim(session, job.id, "silent")
        session.execute(update(Job).values(lease_expires_at=func.now() - timedelta(seconds=1)))
        session.execute(update(Job).where(Job.id == bad.id).values(latest_event_seq=0))  # its next event is taken
    with transaction() as holder:
        holder.execute(select(Job.id).where(Job.id == held.id).with_for_update())
        assert sweeper.sweep()
    assert [seed.read(job.id).status for job in (bad, held, good)] == ["running", "running", "queued"]


def test_full_disk_and_a_store_that_hangs_keep_no_job_from_being_taken_back(version, redis_server, tmp_path):
    (tmp_path / "full").touch()  # no folder can be made in it
    store = Wire(redis_server.port)
    store.mode = "stall"
    s3 = {"ENDPOINT": f"http://127.0.0.1:{store.port}", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    variables = {f"PATCHSWAP_S3_{name}": value for name, value in s3.items()}
    variables |= {"PATCHSWAP_OBJECTS_URL": "s3://bucket/x", "PATCHSWAP_SCRATCH_DIR": str(tmp_path / "full")}
    lone = Worker("sweep", folder=tmp_path, name="sweeper", variables=variables)
    try:
        wait_for(lambda: store.connections > 0, seconds=30)
        wait_for(lambda: b"scratch" in lone.log.read_bytes(), seconds=30)
        job = seed.job(version)
        with transaction() as session:
            ledger.claim(session, job.id, "silent")
            session.execute(update(Job).values(lease_expires_at=func.now() - timedelta(seconds=1)))
        wait_for(lambda: seed.read(job.id).status == "queued", seconds=10)
    finally:
        lone.end()
        store.close()


def test_nothing_queued_rings_nothing(version, patient):
    assert ring("train") == ring("short") == 0


def test_job_submitted_while_redis_is_down_is_rung_when_it_is_back(version, patient, redis_server: RedisServer):
    redis_server.stop()
    try:
        job = seed.job(version)
        assert queue.ring("worker.train", job.id) is False
        assert sweeper.sweep()
    finally:
        redis_server.start()
    sweeper.sweep()
    assert queue.depth("train") == 1


def test_silent_worker_loses_its_job_in_one_sweep(version, patient):
    job = seed.job(version)
    with transaction() as session:
        ledger.claim(session, job.id, "silent")
        session.execute(update(Job).values(lease_expires_at=func.now() - timedelta(seconds=1)))
    sweeper.sweep()
    assert seed.read(job.id).status == "queued"
    assert queue.depth("train") == 1


def test_only_one_sweeps_at_a_time(version):
    with transaction() as session:
        session.execute(text(f"SELECT pg_advisory_xact_lock({sweeper.LOCK})"))
        assert sweeper.sweep() is False
    assert sweeper.sweep() is True


def test_expired_upload_is_aborted_and_its_parts_deleted(version):
    expired, open_, complete = (seed.upload(version.tenant_id, bytes([n])) for n in range(3))
    with transaction() as session:
        session.execute(update(Upload).where(Upload.id.in_([expired.id, open_.id])).values(status="open"))
        past = func.now() - timedelta(seconds=1)
        session.execute(update(Upload).where(Upload.id.in_([expired.id, complete.id])).values(expires_at=past))
    sweeper.sweep()
    sweeper.tidy()
    with transaction() as session:
        statuses = dict(session.execute(select(Upload.id, Upload.status)).all())
    assert [statuses[u.id] for u in (expired, open_, complete)] == ["aborted", "open", "complete"]
    assert [len(storage.sizes(f"uploads/{u.id}/")) for u in (expired, open_, complete)] == [0, 1, 1]


def test_idempotency_rows_live_for_a_day(version):
    with transaction() as session:
        for key, age in [("old", 25), ("new", 23)]:
            row = IdempotencyKey(
                tenant_id=version.tenant_id, key=key, route="r", body_sha256=b"", status=202, headers={}, body=b""
            )
            session.add(row)
            session.flush()
            session.execute(
                update(IdempotencyKey)
                .where(IdempotencyKey.key == key)
                .values(created_at=func.now() - timedelta(hours=age))
            )
    sweeper.sweep()
    with transaction() as session:
        assert list(session.scalars(select(IdempotencyKey.key))) == ["new"]


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_objects_that_no_row_names_are_deleted_and_no_others(version, patient):
    running, waiting = seed.job(version), seed.job(version)
    with transaction() as session:
        row = ledger.claim(session, running.id, "w")
        held = Claim(row.id, row.fence, "w")
    kept = {
        f"jobs/{running.id}/1/model.safetensors",  # may be published any moment
        f"jobs/{running.id}/0/checkpoints/main/step-000001.ckpt",  # named by a row, below
        f"jobs/{waiting.id}/1/trainer.log",
        f"{version.object_prefix}manifest.json",
        f"{version.object_prefix}samples.arrow",
        f"uploads/{version.upload_id}/00001",
    }
    gone = {
        f"jobs/{running.id}/0/model.safetensors",
        f"jobs/{waiting.id}/1/model.safetensors",
        "jobs/job_deleted/1/trainer.log",
        f"datasets/{version.id}/7/samples.arrow",
        "datasets/dsv_deleted/1/samples.arrow",
        "exports/exp_deleted/1/bundle.zip",
        "uploads/upl_deleted/00001",
    }
    for key in kept | gone:
        storage.put_bytes(key, b"x")
    stored = StoredFile(f"jobs/{running.id}/0/checkpoints/main/step-000001.ckpt", 1, "0" * 64)
    with transaction() as session:
        ledger.record_checkpoint(session, held, stored, arm="main", step=1, epoch=1, best=False, figures={})
    assert orphans.delete_orphans() == len(gone)
    assert set(storage.sizes("")) == kept


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_uploads_that_nobody_ended_are_aborted_with_the_orphans(version, patient, objects_url):
    leave_unfinished("jobs/job_x/1/weights", f"uploads/{version.upload_id}/00002")
    assert orphans.abort_unfinished(timedelta(days=1)) == 0
    orphans.delete_orphans()
    assert orphans.abort_unfinished(timedelta(seconds=-5)) == 0


def test_young_orphans_stay(version):
    storage.put_bytes("jobs/job_deleted/1/bundle.zip", b"x")
    assert orphans.delete_orphans() == 0


def test_folders_of_dead_attempts_are_reclaimed_and_of_live_ones_kept(version):
    for name in ("dead-1", "dead-2"):
        (scratch.root() / name).mkdir()
        (scratch.root() / f"{name}.lock").touch()
    with scratch.folder("alive-1") as alive:
        (alive / "file").touch()
        assert sorted(scratch.reclaim()) == ["dead-1", "dead-2"]
        assert [path.name for path in scratch.root().iterdir() if path.is_dir()] == ["alive-1"]
    assert list(scratch.root().iterdir()) == []


def test_pack_of_a_deleted_dataset_is_an_orphan(version, patient):
    with transaction() as session:
        dataset = removals.hold(session, version.tenant_id, version.dataset_id)
        removals.delete_dataset(session, dataset, force=False)
    assert orphans.delete_orphans() == 2  # the pack, and the archive that it was made of
    assert storage.sizes("datasets/") == storage.sizes("uploads/") == {}
