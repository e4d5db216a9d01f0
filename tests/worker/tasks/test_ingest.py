"""One dataset version: read in a child process, published whole or failed with its report."""

from __future__ import annotations

import pytest
from sqlalchemy import func, update

from contract.pack.manifest import PackManifest
from core import removals
from core.database import leases
from core.database.database import transaction
from core.datasets import ledger as datasets
from core.store import storage
from core.tables import Dataset, DatasetVersion, Upload
from tests.conftest import forget_settings
from tests.data import layouts, scenes
from tests.ingest.archives import folders, zipped
from tests.worker import seed
from tests.worker.test_whole_job import archive, read
from worker.liveness import shutdown
from worker.tasks import ingest
from worker.tasks.turn import run_next


def pushed(content: bytes, splits: dict | None = None, task: str = "classification") -> DatasetVersion:
    tenant_id = seed.tenant()
    upload = seed.upload(tenant_id, content)
    with transaction() as session:
        return datasets.push(session, tenant_id, name="d", upload_id=upload.id, task=task, splits=splits)[1]


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_archive_becomes_a_ready_version_with_its_pack(fake_trainer):
    version = pushed(archive(), splits={"val": 0.25, "test": 0.25})
    run_next("ingest", version.id)
    version = read(DatasetVersion, version.id)
    assert (version.status, version.worker, version.object_prefix) == ("ready", None, f"datasets/{version.id}/1/")
    manifest = PackManifest.model_validate(version.manifest)
    assert manifest.split_size("val") == manifest.split_size("test") == 18
    samples = storage.get_bytes(f"{version.object_prefix}samples.arrow")
    assert len(samples) == manifest.bytes
    assert version.report["status"] == "ready"
    dataset = read(Dataset, version.dataset_id)
    assert (dataset.status, dataset.latest_version_id) == ("ready", version.id)


@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_task_of_the_dataset_decides_how_its_archive_is_read(fake_trainer, task):
    version = pushed(zipped(layouts.coco(scenes.draw(12, size=(48, 48)))), task=task)
    run_next("ingest", version.id)
    manifest = PackManifest.model_validate(read(DatasetVersion, version.id).manifest)
    assert (manifest.task, manifest.split_size("train")) == (task, manifest.images["train"])


def next_version(version: DatasetVersion, content: bytes) -> DatasetVersion:
    upload = seed.upload(version.tenant_id, content)
    with transaction() as session:
        name = session.get_one(Dataset, version.dataset_id).name
        return datasets.push(session, version.tenant_id, name=name, upload_id=upload.id).version


def test_version_knows_what_changed_since_the_ready_one_before_it(fake_trainer):
    first = pushed(zipped(folders({"cat": 9, "dog": 9})))
    run_next("ingest", first.id)
    assert read(DatasetVersion, first.id).changes is None
    broken = next_version(first, b"no archive")
    run_next("ingest", broken.id)
    third = next_version(first, zipped(folders({"cat": 9, "dog": 9, "cow": 9})))
    run_next("ingest", third.id)
    changes = read(DatasetVersion, third.id).changes
    assert (changes["since"], changes["added"], changes["removed"], changes["relabelled"]) == (1, 9, 0, 0)
    dataset = read(Dataset, first.dataset_id)
    assert (dataset.status, dataset.latest_version_id) == ("ready", third.id)


def test_latest_version_is_the_one_with_the_highest_number_whichever_is_read_first(fake_trainer):
    first = pushed(archive())
    second = next_version(first, zipped(folders({"cat": 9, "dog": 9})))
    third = next_version(first, zipped(folders({"cat": 9, "cow": 9})))
    with transaction() as session:
        claimed = [leases.claim(session, DatasetVersion, one.id, "w") for one in (third, second)]
        for version in claimed:
            datasets.publish_version(
                session, version.id, 1, manifest=seed.MANIFEST, report={}, prefix="x", pack_sha256="0" * 64
            )
    assert read(Dataset, first.dataset_id).latest_version_id == third.id


def test_reader_of_a_deleted_version_publishes_nothing(fake_trainer, monkeypatch):
    version = pushed(archive())
    store = ingest._store

    def deleted_meanwhile(*arguments):
        with transaction() as session:
            held = removals.hold(session, version.tenant_id, version.dataset_id)
            removals.delete_dataset(session, held, force=False)
        return store(*arguments)

    monkeypatch.setattr(ingest, "_store", deleted_meanwhile)
    run_next("ingest", version.id)
    version = read(DatasetVersion, version.id)
    assert (version.status, version.error["code"], version.manifest) == ("failed", "dataset_deleted", None)


def test_archive_is_read_as_the_person_says(fake_trainer):
    tenant_id = seed.tenant()
    upload = seed.upload(tenant_id, zipped(folders({"cat": 9, "kitten": 9, "dog": 9})))
    with transaction() as session:
        reading = {"map": {"kitten": "cat"}}
        version = datasets.push(
            session, tenant_id, name="d", upload_id=upload.id, task="classification", splits=None, reading=reading
        )[1]
    run_next("ingest", version.id)
    assert PackManifest.model_validate(read(DatasetVersion, version.id).manifest).classes == ["cat", "dog"]


def test_archive_that_holds_no_dataset_fails_with_its_report_and_stores_nothing(fake_trainer):
    version = pushed(b"this is no archive")
    run_next("ingest", version.id)
    version = read(DatasetVersion, version.id)
    assert (version.status, version.report["status"]) == ("failed", "invalid")
    assert version.error["code"] == "dataset_invalid"
    assert version.error["category"] == "user_data"
    assert version.error["remediation"]
    assert read(Dataset, version.dataset_id).error == version.error
    assert storage.sizes("datasets/") == {}


def test_upload_that_was_altered_in_the_store_is_not_read(fake_trainer):
    version = pushed(archive())
    upload = read(Upload, version.upload_id)
    storage.put_bytes(f"uploads/{upload.id}/00001", bytes(upload.bytes))
    run_next("ingest", version.id)
    assert read(DatasetVersion, version.id).error["code"] == "upload_lost"


def test_reader_that_crashes_is_tried_again_and_then_given_up(fake_trainer, monkeypatch):
    monkeypatch.setattr(ingest, "MODULE", "tests.worker.no_such_module")
    version = pushed(archive())
    statuses = []
    for _ in range(4):
        run_next("ingest", version.id)
        statuses.append(read(DatasetVersion, version.id).status)
    assert statuses == ["queued", "queued", "failed", "failed"]
    assert read(DatasetVersion, version.id).error["code"] == "poison"
    assert read(Dataset, version.dataset_id).status == "failed"


def test_shutdown_gives_the_version_back_uncounted(fake_trainer):
    version = pushed(archive())
    shutdown.request()
    run_next("ingest", version.id)
    shutdown.forget()
    version = read(DatasetVersion, version.id)
    assert (version.status, version.attempts, version.worker) == ("queued", 0, None)


def test_result_after_a_lost_lease_is_not_published(fake_trainer, monkeypatch):
    version = pushed(archive())
    store = ingest._store

    def claimed_by_another(*arguments):
        with transaction() as session:
            session.execute(
                update(DatasetVersion).values(fence=DatasetVersion.fence + 1, worker=func.concat("another"))
            )
        return store(*arguments)

    monkeypatch.setattr(ingest, "_store", claimed_by_another)
    run_next("ingest", version.id)
    version = read(DatasetVersion, version.id)
    assert (version.status, version.worker, version.manifest) == ("running", "another", None)


def test_pack_with_more_images_than_the_quota_leaves_is_not_published(fake_trainer, monkeypatch):
    version = pushed(archive())
    monkeypatch.setenv("PATCHSWAP_QUOTA_IMAGES", "10")
    forget_settings()
    run_next("ingest", version.id)
    version = read(DatasetVersion, version.id)
    assert (version.status, version.error["code"], version.manifest) == ("failed", "quota_exceeded", None)
    assert "The quota of images is 10" in version.error["message"]
    assert version.report["status"] == "ready"  # nothing is wrong with the archive itself
