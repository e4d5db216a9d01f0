"""A job's model teaches later jobs: the real trainer, ledger and object store; only Celery's message is left out."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from core.database.database import transaction
from core.store import storage
from core.tables import DatasetVersion, Export, Job, JobMetric, Model
from tests.conftest import forget_settings
from tests.data import packs
from tests.worker import seed
from worker.tasks.job import run_job

BODY = {"model": {"architecture": "resnet20"}, "training": {"epochs": 2, "pairs_per_batch": 16}}


@pytest.fixture
def digits(version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    """48 digits to train on, and the real trainer."""
    monkeypatch.delenv("PATCHSWAP_TRAINER_MODULE")
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "120")
    forget_settings()
    manifest = packs.digits(tmp_path / "pack", train=48, val=10, test=20)
    return seed.version(seed.tenant(), manifest, (tmp_path / "pack" / "samples.arrow").read_bytes())


def run(version: DatasetVersion, **body) -> Job:
    job = seed.job(version, **{**BODY, **body})
    run_job(job.id)
    job = seed.read(job.id)
    assert job.status == "succeeded", job.error
    return job


def keys(job: Job) -> set[str]:
    with transaction() as session:
        return set(session.scalars(select(JobMetric.key).where(JobMetric.job_id == job.id)))


@pytest.mark.slow
def test_model_of_a_job_teaches_the_next_ones(digits):
    teacher = run(digits, method={"name": "cross_entropy"}, exports=[])
    for name, term in [("kd", "kd_loss"), ("dkd", "non_target_loss"), ("tf_kd_self", "kd_loss")]:
        exports = [{}] if name == "kd" else []
        method = {"name": name, "teacher": teacher.model_id}
        pupil = run(digits, method=method, exports=exports, control=name == "kd")
        assert f"train.{term}" in keys(pupil)
        assert f"control.train.{term}" not in keys(pupil)
        with transaction() as session:
            model = session.get_one(Model, pupil.model_id)
            export = session.scalars(select(Export).where(Export.model_id == model.id)).one_or_none()
        assert model.method == name
        if export:
            assert f"teacher: the network `{teacher.model_id}`" in model.card
            assert "no teacher network" not in model.card
            assert "model.onnx" in zipfile.ZipFile(BytesIO(storage.get_bytes(export.object_key))).namelist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["byot", "bake", "mixskd", "frskd", "uskd"])
def test_method_with_heads_runs_to_a_published_model(digits, name):
    job = run(digits, method={"name": name}, exports=[])
    with transaction() as session:
        model = session.get_one(Model, job.model_id)
    assert (model.method, model.parameters) == (name, 272_186)  # those of ResNet-20 at one channel, without heads
