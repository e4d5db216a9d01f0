"""An archive becomes a compressed model: the real ingest and the real trainer, Celery, Postgres, Redis and S3."""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from contract.specs import ExportSpec
from contract.specs.methods import TaughtSpec
from core import queue
from core.database.database import transaction
from core.datasets import ledger as datasets
from core.exports import ledger as model_exports
from core.store import storage
from core.tables import Dataset, DatasetVersion, Export, Model
from tests.conftest import forget_settings
from tests.trainer.tasks.classification.methods import every
from tests.worker import seed
from tests.worker.processes import wait_for, wait_for_end


def archive(classes: int = 3, images: int = 24) -> bytes:
    """An ImageFolder zip of noise that is brighter for a higher class."""
    generator = np.random.default_rng(0)
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for label in range(classes):
            for number in range(images):
                pixels = generator.integers(0, 60, (16, 16), dtype=np.uint8) + 60 * label
                png = BytesIO()
                Image.fromarray(pixels.astype(np.uint8)).save(png, "PNG")
                file.writestr(f"class-{label}/{number}.png", png.getvalue())
    return content.getvalue()


def push(content: bytes) -> DatasetVersion:
    tenant_id = seed.tenant()
    upload = seed.upload(tenant_id, content)
    with transaction() as session:
        _, version, _ = datasets.push(
            session, tenant_id, name="noise", upload_id=upload.id, task="classification", splits=None
        )
    queue.ring("worker.ingest", version.id)
    return version


def read(table: type, row_id: str):
    with transaction() as session:
        return session.get_one(table, row_id)


@pytest.fixture
def real_trainer(version, monkeypatch):
    monkeypatch.delenv("PATCHSWAP_TRAINER_MODULE")
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "60")
    monkeypatch.setenv("PATCHSWAP_LEASE_SECONDS", "10")
    forget_settings()


@pytest.mark.slow
@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_archive_becomes_a_published_bundle(real_trainer, start_worker):
    start_worker("short")
    start_worker("train")
    version = push(archive())
    wait_for(lambda: read(DatasetVersion, version.id).status == "ready")
    version = read(DatasetVersion, version.id)
    assert read(Dataset, version.dataset_id).latest_version_id == version.id
    assert version.manifest["samples"] == 72

    body = {"model": {"architecture": "resnet20"}, "control": True, "exports": [{"precision": "fp32"}]}
    job = seed.job(version, training={"epochs": 1, "pairs_per_batch": 16}, **body)
    queue.ring("worker.train", job.id)
    job = wait_for_end(job.id, seconds=200)
    assert job.status == "succeeded", job.error
    model = read(Model, job.model_id)
    assert set(model.evaluation) == {"main", "control"}
    assert model.evaluation["main"]["against_control"]["equal_images_seen"]
    assert b"patch_swap" in storage.get_bytes(model.report_key)
    assert hashlib.sha256(storage.get_bytes(model.weights_key)).hexdigest() == model.weights_sha256

    with transaction() as session:
        later = model_exports.submit(session, model.tenant_id, model.id, ExportSpec(precision="int8"))
    queue.ring("worker.export", later.id)
    wait_for(lambda: read(Export, later.id).finished_at, seconds=100)
    with transaction() as session:
        exports = list(session.scalars(select(Export)))
    assert {export.precision for export in exports} == {"fp32", "int8"}
    for export in exports:
        assert export.status == "succeeded", export.error
        bundle = storage.get_bytes(export.object_key)
        assert hashlib.sha256(bundle).hexdigest() == export.sha256
        names = set(zipfile.ZipFile(BytesIO(bundle)).namelist())
        assert {"model.onnx", "manifest.json", "report.html", "verify.py"} <= names


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_method_without_a_teacher_succeeds(real_trainer, start_worker):
    """Two epochs each on 72 images, as jobs: submitted, queued, trained, judged, published."""
    start_worker("short")
    start_worker("train")
    version = push(archive())
    wait_for(lambda: read(DatasetVersion, version.id).status == "ready")
    version = read(DatasetVersion, version.id)
    training, model = {"epochs": 2, "pairs_per_batch": 16}, {"architecture": "resnet20"}
    jobs = {}
    for method in every.SPECS:
        if not issubclass(method, TaughtSpec):
            name = every.name_of(method)
            jobs[name] = seed.job(version, training=training, model=model, method=every.body_of(method), exports=[])
            queue.ring("worker.train", jobs[name].id)
    for name, job in jobs.items():
        ended = wait_for_end(job.id, seconds=600)
        assert ended.status == "succeeded", (name, ended.error)
        assert "test" in read(Model, ended.model_id).evaluation["main"]["splits"]
