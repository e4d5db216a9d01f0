"""A model asked about the images of a dataset version."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from core import removals
from core.database.database import transaction
from core.errors import InUse
from core.jobs import deletion
from core.predictions import ledger as predictions
from core.store import storage
from core.tables import DatasetVersion, Job, Model, Prediction
from tests.worker import seed
from tests.worker.processes import wait_for
from tests.worker.test_whole_job import read
from worker.housekeeping import lost_leases, orphans
from worker.tasks.job import run_job
from worker.tasks.turn import run_next


@pytest.fixture
def model(version) -> Model:
    job = seed.job(version)
    run_job(job.id)
    return read(Model, seed.read(job.id).model_id)


@pytest.fixture
def others(version) -> DatasetVersion:
    """Other images, of one class that the model knows and one that it does not."""
    renamed = seed.MANIFEST.model_copy(update={"classes": [seed.MANIFEST.classes[0], "never seen"]})
    return seed.version(version.tenant_id, renamed)


def ask(model: Model, dataset: str) -> Prediction:
    with transaction() as session:
        return predictions.submit(session, model.tenant_id, model.id, dataset)


def test_rows_of_other_images_are_published_with_their_sha256(model, others):
    asked = ask(model, others.id)
    run_next("predict", asked.id)
    done = read(Prediction, asked.id)
    assert (done.status, done.worker, done.images) == ("succeeded", None, seed.MANIFEST.samples)
    assert done.object_key == f"predictions/{asked.id}/1/predictions.parquet"
    content = storage.get_bytes(done.object_key)
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (done.sha256, done.bytes)
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    known = seed.MANIFEST.classes[0]
    assert [(row["label"], row["predicted"], row["error"]) for row in rows] == [
        (known, known, False),
        ("never seen", known, None),
    ]
    with transaction() as session:
        assert orphans.find_orphans(session, [done.object_key]) == []


@pytest.mark.parametrize(("mode", "status"), [("gpu_oom", "failed"), ("segfault", "queued")])
def test_named_error_fails_at_once_and_a_crash_is_tried_again(model, others, mode, status):
    with transaction() as session:
        job = session.get_one(Job, model.job_id)
        labels = {"fake/mode": mode, "fake/at": "predict"}
        session.execute(update(Job).values(resolved={**job.resolved, "labels": labels}))
    asked = ask(model, others.id)
    run_next("predict", asked.id)
    found = read(Prediction, asked.id)
    assert (found.status, found.attempts) == (status, 1)
    assert (found.error or {}).get("code") == ("gpu_oom" if status == "failed" else None)


def test_silent_worker_loses_it_and_cannot_publish(model, others):
    asked = ask(model, others.id)
    with transaction() as session:
        session.execute(update(Prediction).values(status="running", fence=1, attempts=1, worker="gone"))
    with transaction() as session:
        session.execute(update(Prediction).values(lease_expires_at=Prediction.created_at))
    with transaction() as session:
        assert lost_leases.take_back(session, Prediction, asked.id)
    run_next("predict", asked.id)
    done = read(Prediction, asked.id)
    assert (done.status, done.fence) == ("succeeded", 2)


def delete(version: DatasetVersion, *, force: bool) -> None:
    with transaction() as session:
        dataset = removals.hold(session, version.tenant_id, version.dataset_id)
        removals.delete_dataset(session, dataset, force=force)


def test_dataset_that_is_waited_for_goes_only_by_force(model, others):
    asked = ask(model, others.id)
    with pytest.raises(InUse):
        delete(others, force=False)
    delete(others, force=True)
    found = read(Prediction, asked.id)
    assert (found.status, found.error["code"]) == ("failed", "dataset_deleted")


def test_deleting_a_running_one_ends_its_child_and_leaves_nothing(model, others):
    with transaction() as session:
        job = session.get_one(Job, model.job_id)
        session.execute(
            update(Job).values(resolved={**job.resolved, "labels": {"fake/mode": "hang", "fake/at": "predict"}})
        )
    asked = ask(model, others.id)
    worker = threading.Thread(target=run_next, args=("predict", asked.id))
    worker.start()
    wait_for(lambda: read(Prediction, asked.id).status == "running")
    with transaction() as session:
        assert predictions.delete(session, model.tenant_id, asked.id) == [f"predictions/{asked.id}/"]
    worker.join(30)  # the child hangs for ten minutes and ignores SIGTERM
    assert not worker.is_alive()
    with transaction() as session:
        assert session.get(Prediction, asked.id) is None
    assert not list(storage.older_than(f"predictions/{asked.id}/", timedelta(0)))


def test_rows_go_with_the_job_of_their_model(model, others):
    asked = ask(model, others.id)
    run_next("predict", asked.id)
    with transaction() as session:
        prefixes = deletion.delete_all(session, model.tenant_id, [model.job_id])
    assert f"predictions/{asked.id}/" in prefixes
    with transaction() as session:
        assert session.get(Prediction, asked.id) is None
