"""A job with a teacher: its folder is laid out, verified, and shown to the main arm alone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from contract.results.network_card import TeacherCard
from contract.specs.methods import CrossEntropySpec, KdSpec
from core.database.database import transaction
from core.errors import ChecksumMismatch, NotFound
from core.store import storage
from core.tables import Job, JobAttempt, Model
from core.weights import donors
from tests.worker import seed
from worker.claims.lease import Lease
from worker.disk import donor_folders
from worker.tasks.job import run_job


@pytest.fixture
def model(version) -> Model:
    job = seed.job(version, model={"architecture": "resnet20"})
    run_job(job.id)
    with transaction() as session:
        return session.scalars(select(Model)).one()


def taught(version, model: Model, **body) -> Job:
    return seed.job(version, method={"name": "kd", "teacher": model.id}, **body)


def found(model: Model) -> donors.Donor:
    with transaction() as session:
        teacher = donors.find(session, model.tenant_id, model.id)
        assert teacher is not None
        return teacher


def test_folder_holds_the_weights_and_a_card_that_fits_them(version, model, tmp_path):
    folder = tmp_path / "teacher"
    donor_folders.lay_out(KdSpec(teacher=model.id), found(model), folder, Lease(lambda _: None))
    assert (folder / "model.safetensors").read_bytes() == storage.get_bytes(model.weights_key)
    card = TeacherCard.model_validate_json((folder / "teacher.json").read_bytes())
    assert (card.model.architecture, card.model.stem) == ("resnet20", "small")
    assert (card.classes, card.channels, card.mean, card.std) == (("cat", "dog"), 1, (0.5,), (0.25,))


def test_untaught_method_has_no_folder(tmp_path):
    donor_folders.lay_out(CrossEntropySpec(), None, tmp_path / "teacher", Lease(lambda _: None))
    assert not (tmp_path / "teacher").exists()


def test_altered_or_missing_weights_are_not_laid_out(version, model, tmp_path):
    spec, teacher, lease = KdSpec(teacher=model.id), found(model), Lease(lambda _: None)
    storage.put_bytes(model.weights_key, b"altered")
    with pytest.raises(ChecksumMismatch):
        donor_folders.lay_out(spec, teacher, tmp_path / "1", lease)
    storage.delete_prefix(f"jobs/{model.job_id}/")
    with pytest.raises(NotFound):
        donor_folders.lay_out(spec, teacher, tmp_path / "2", lease)
    with pytest.raises(NotFound, match=f"{model.id} was deleted"):
        donor_folders.lay_out(spec, None, tmp_path / "3", lease)


def test_job_with_a_teacher_and_a_control_is_published(version, model):
    """The fake trainer refuses a main arm without its teacher's folder, and a control with one."""
    pupil = taught(version, model, control=True)
    run_job(pupil.id)
    pupil = seed.read(pupil.id)
    assert pupil.status == "succeeded", pupil.error


def test_job_whose_teacher_was_altered_is_given_back(version, model):
    pupil = taught(version, model)
    storage.put_bytes(model.weights_key, b"altered")
    run_job(pupil.id)
    with transaction() as session:
        attempt = session.scalars(select(JobAttempt).where(JobAttempt.job_id == pupil.id)).one()
    assert (seed.read(pupil.id).status, attempt.outcome) == ("queued", "crashed")
