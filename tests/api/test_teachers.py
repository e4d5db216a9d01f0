"""`method.teacher`: a model of one's own, of the same classes; who taught is told with the evaluation."""

from __future__ import annotations

import pytest

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed


def by(model_id: str, name: str = "kd") -> dict:
    return {"recipe": None, "method": {"name": name, "teacher": model_id}}


def refusal(answer) -> dict:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/method/teacher"
    return error


@pytest.mark.parametrize("name", ["kd", "dkd", "tf_kd_self"])
def test_model_of_a_job_teaches_another(ours: Caller, version: DatasetVersion, name: str):
    _, model, _ = made.published_job(version)
    answer = ours.post("/v1/jobs", {"dataset": version.id} | by(model.id, name))
    assert answer.status_code == 202, answer.text
    assert answer.json()["resolved"]["method"]["teacher"] == model.id


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/validate"])
def test_unknown_teacher(ours: Caller, version: DatasetVersion, path: str):
    for unknown in ("model_" + "0" * 32, "a teacher", made.ended_job(version).id):
        error = refusal(ours.post(path, {"dataset": version.id} | by(unknown)))
        assert error["code"] == "unknown_teacher"
    assert refusal(ours.post(path, {"dataset": version.id} | by("")))["code"] == "string_too_short"
    assert refusal(ours.post(path, {"dataset": version.id, "method": {"name": "kd"}}))["code"] == "missing"
    assert ours.post(path, {"dataset": version.id} | by("a\0b")).status_code == 422


def test_another_tenants_model_is_as_unknown_as_none(ours: Caller, theirs: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    own = seed.version(theirs.tenant_id)
    error = refusal(theirs.post("/v1/jobs", {"dataset": own.id} | by(model.id)))
    assert error["code"] == "unknown_teacher"


def test_teacher_of_other_classes_or_channels_is_unfit(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    birds = seed.MANIFEST.model_copy(update={"classes": ["cat", "bird"]})
    error = refusal(ours.post("/v1/jobs", {"dataset": seed.version(ours.tenant_id, birds).id} | by(model.id)))
    assert error["code"] == "teacher_unfit"
    assert "knows the classes cat, dog, the dataset has cat, bird" in error["message"]
    colour = seed.MANIFEST.model_copy(update={"channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3})
    error = refusal(ours.post("/v1/jobs", {"dataset": seed.version(ours.tenant_id, colour).id} | by(model.id)))
    assert error["code"] == "teacher_unfit"
    assert "1 channels, the dataset's have 3" in error["message"]


def test_self_training_wants_its_own_architecture(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version, model={"architecture": "resnet20"})
    spec = {"dataset": version.id} | by(model.id, "tf_kd_self")
    error = refusal(ours.post("/v1/jobs", spec | {"model": {"architecture": "resnet18"}}))
    assert error["code"] == "teacher_unfit"
    assert "the teacher is resnet20 with the small stem, this is resnet18 with the small stem" in error["message"]
    assert ours.post("/v1/jobs", spec | {"model": {"architecture": "resnet20"}}).status_code == 202
    other = {"dataset": version.id, "model": {"architecture": "resnet18"}} | by(model.id, "kd")
    assert ours.post("/v1/jobs", other).status_code == 202


def test_deleting_a_teacher_is_a_conflict_until_its_pupil_has_ended(ours: Caller, version: DatasetVersion):
    job, model, _ = made.published_job(version)
    pupil = ours.post("/v1/jobs", {"dataset": version.id} | by(model.id)).json()
    answer = ours.delete(f"/v1/jobs/{job.id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert pupil["id"] in answer.json()["detail"]
    ours.post(f"/v1/jobs/{pupil['id']}/cancel")
    assert ours.delete(f"/v1/jobs/{job.id}").status_code == 204
    answer = ours.post(f"/v1/jobs/{pupil['id']}/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "teacher_gone")


def test_evaluation_says_who_taught_and_what_that_cost(ours: Caller, version: DatasetVersion):
    teacher, model, _ = made.published_job(version)
    pupil, _, _ = made.published_job(version, **by(model.id))
    path = f"/v1/jobs/{pupil.id}/evaluation"
    assert ours.get(path).json()["teacher"] == {"model_id": model.id, "method": "patch_swap", "images_seen": 80}
    assert ours.get(f"/v1/jobs/{teacher.id}/evaluation").json()["teacher"] is None
    assert ours.delete(f"/v1/jobs/{teacher.id}").status_code == 204
    assert ours.get(path).json()["teacher"] == {"model_id": model.id, "method": None, "images_seen": None}
