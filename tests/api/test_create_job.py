"""`POST /v1/jobs`, `/validate`, `/clone`: specs in, queued jobs out."""

from __future__ import annotations

import base64
import json

import pytest
import redis
from sqlalchemy import select

from core import queue
from core.database.database import transaction
from core.tables import DatasetVersion, Job
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed


def test_job_is_queued_and_the_bell_is_rung(ours: Caller, version: DatasetVersion, redis_url: str):
    answer = ours.post("/v1/jobs", {"dataset": version.id, "labels": {"project": "demo"}, "name": "first"})
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["Location"] == f"/v1/jobs/{body['id']}"
    assert (body["status"], body["name"], body["labels"]) == ("queued", "first", {"project": "demo"})
    assert ours.get(answer.headers["Location"]).json() == body
    with redis.Redis.from_url(redis_url) as broker:
        (message,) = broker.lrange("patchswap:train", 0, -1)
    assert body["id"].encode() in base64.b64decode(json.loads(message)["body"])


@pytest.mark.parametrize("verb", ["create", "clone", "resume", "retry"])
def test_bell_is_rung_when_the_row_can_be_claimed(
    ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch, verb: str
):
    """A worker that is quicker than the commit would find nothing, and the job would wait for the sweeper."""
    ended = made.ended_job(version, "cancelled")
    seen: list[str] = []
    monkeypatch.setattr(queue, "ring", lambda _bell, job_id: seen.append(_committed_status(job_id)))
    if verb == "create":
        assert ours.post("/v1/jobs", {"dataset": version.id}).status_code == 202
    else:
        assert ours.post(f"/v1/jobs/{ended.id}/{verb}").status_code in (200, 202)
    assert seen == ["queued"]


def _committed_status(job_id: str) -> str | None:
    with transaction() as session:
        return session.scalars(select(Job.status).where(Job.id == job_id)).one_or_none()


def test_priority_is_the_jobs_and_no_matter_of_its_training(ours: Caller, version: DatasetVersion):
    body = ours.post("/v1/jobs", {"dataset": version.id, "priority": 7}).json()
    assert (body["priority"], body["spec"]["priority"]) == (7, 7)
    # A worker of the release before would refuse a resolved spec with a field that it does not know.
    assert "priority" not in body["resolved"]
    cloned = ours.post(f"/v1/jobs/{body['id']}/clone").json()
    assert (cloned["priority"], cloned["queue"]["position"]) == (7, 2)
    for wrong in (101, -101, 0.5, "high"):
        refused = ours.post("/v1/jobs", {"dataset": version.id, "priority": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/priority")


def test_dataset_stands_for_its_latest_version(ours: Caller, version: DatasetVersion):
    body = ours.post("/v1/jobs", {"dataset": version.dataset_id}).json()
    assert body["dataset_version_id"] == version.id


# patch size, architecture, weights, NaN, epochs, unknown fields: issue 2's list, and what else a body can do
FAULTS = [
    ({"method": {"name": "patch_swap", "patch_size": 3}}, "/method/patch_size"),
    ({"method": {"patch_size": 3}}, "/method/patch_size"),
    ({"model": {"architecture": "resnet999"}}, "/model/architecture"),
    ({"method": {"name": "patch_swap", "kd_weight": -1}}, "/method/kd_weight"),
    ({"method": {"name": "no_such_method"}}, "/method/name"),
    ({"optimizer": {"learning_rate": float("nan")}}, "/optimizer/learning_rate"),
    ({"optimizer": {"learning_rate": float("inf")}}, "/optimizer/learning_rate"),
    ({"training": {"epochs": 0}}, "/training/epochs"),
    ({"training": {"epochs": 10**9}}, "/training/epochs"),
    ({"training": {"epochs": "many"}}, "/training/epochs"),
    ({"training": {"epochs": "5"}}, "/training/epochs"),
    ({"training": {"epochs": True}}, "/training/epochs"),
    ({"control": "yes"}, "/control"),
    ({"control": 1}, "/control"),
    ({"exports": [{"constraints": {"max_drop_points": False}}]}, "/exports/0/constraints/max_drop_points"),
    ({"training": {"pairs_per_batch": 10**6}}, "/training/pairs_per_batch"),
    ({"no_such_field": 1}, "/no_such_field"),
    ({"model": {"no_such_field": 1}}, "/model/no_such_field"),
    ({"tenant_id": "tnt_other"}, "/tenant_id"),
    ({"status": "succeeded"}, "/status"),
    ({"recipe": "no_such_recipe"}, "/recipe"),
    ({"exports": [{"format": "onnx"}, {"format": "elf"}]}, "/exports/1/format"),
    ({"exports": [{"format": "executorch", "precision": "fp16"}]}, "/exports/0/precision"),
    ({"labels": {"a b": "c"}}, "/labels/a b"),
    ({"labels": {"a/b": 1}}, "/labels/a~1b"),
    ({"name": "a\0b"}, "/name"),
    ({"labels": {"k": "a\0b"}}, "/labels/k"),
    ({"dataset": "dsv_" + "0" * 32}, "/dataset"),
    ({"dataset": None}, "/dataset"),
    ({"seed": 2**32}, "/seed"),
]


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/validate"])
def test_fault_in_a_spec_is_422_with_a_pointer_to_it(ours: Caller, version: DatasetVersion, path: str):
    for fault, pointer in FAULTS:
        body = json.dumps({"dataset": version.id} | fault)
        answer = ours.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, (fault, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        errors = answer.json()["errors"]
        assert pointer in [error["pointer"] for error in errors], (fault, errors)
        assert all(set(error) == {"pointer", "code", "message"} for error in errors)


def test_another_tenants_dataset_is_as_unknown_as_none(ours: Caller, theirs: Caller, version: DatasetVersion):
    for dataset in (version.id, version.dataset_id):
        answer = theirs.post("/v1/jobs", {"dataset": dataset})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/dataset"


def test_validate_resolves_warns_and_creates_nothing(ours: Caller, version: DatasetVersion):
    answer = ours.post("/v1/jobs/validate", {"dataset": version.dataset_id, "recipe": None})
    assert answer.status_code == 200
    body = answer.json()
    assert body["dataset_version_id"] == version.id
    assert body["resolved"]["method"]["patch_size"] == 2
    assert [w["code"] for w in body["warnings"]] == ["batch_reduced"]
    assert ours.get("/v1/jobs").json()["data"] == []


def test_clone_takes_the_spec_with_changes(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version, seed=1, labels={"a": "b"})
    answer = ours.post(f"/v1/jobs/{job.id}/clone", {"seed": 7, "training": {"epochs": 3}})
    assert answer.status_code == 202
    cloned = answer.json()
    assert cloned["id"] != job.id
    assert (cloned["spec"]["seed"], cloned["spec"]["training"]["epochs"]) == (7, 3)
    assert cloned["spec"]["training"]["pairs_per_batch"] == 4
    assert cloned["labels"] == {"a": "b"}
    assert ours.post(f"/v1/jobs/{job.id}/clone").status_code == 202
    assert ours.post(f"/v1/jobs/{job.id}/clone", {"seed": -1}).json()["errors"][0]["pointer"] == "/seed"


def test_submission_needs_no_broker(ours: Caller, version: DatasetVersion, redis_server):
    redis_server.kill()
    try:
        answer = ours.post("/v1/jobs", {"dataset": version.id})
    finally:
        redis_server.start()
    assert answer.status_code == 202
    assert ours.get(answer.headers["Location"]).json()["status"] == "queued"


def test_another_method_replaces_the_old_ones_fields_when_cloned(ours: Caller, version: DatasetVersion):
    job = seed.job(version, method={"name": "patch_swap", "patch_size": 4})
    cloned = ours.post(f"/v1/jobs/{job.id}/clone", {"method": {"name": "cross_entropy"}}).json()
    assert cloned["spec"]["method"] == {"name": "cross_entropy"}
