"""cancel, pause, resume, retry, delete: each legal in some statuses, harmless when repeated."""

from __future__ import annotations

import time

import pytest

from core.database.database import transaction
from core.jobs import ledger
from core.store import storage
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed


def test_queued_job_is_cancelled_at_once_and_again_is_no_error(ours: Caller, version: DatasetVersion):
    job = seed.job(version)
    first = ours.post(f"/v1/jobs/{job.id}/cancel")
    again = ours.post(f"/v1/jobs/{job.id}/cancel")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["status"] == "cancelled"
    assert again.json() == first.json()


def test_cancel_of_a_running_job_is_a_request_to_its_worker(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    body = ours.post(f"/v1/jobs/{job.id}/cancel").json()
    assert (body["status"], body["cancel_requested_at"] is not None) == ("running", True)
    with transaction() as session:
        assert ledger.record(session, claim).cancel


def test_pause_and_resume(ours: Caller, version: DatasetVersion):
    job = seed.job(version)
    assert ours.post(f"/v1/jobs/{job.id}/pause").json()["status"] == "paused"
    assert ours.post(f"/v1/jobs/{job.id}/pause").json()["status"] == "paused"
    resumed = ours.post(f"/v1/jobs/{job.id}/resume").json()
    assert (resumed["status"], resumed["pause_requested_at"]) == ("queued", None)


@pytest.mark.parametrize("verb", ["resume", "retry"])
@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_ended_job_runs_again(ours: Caller, version: DatasetVersion, verb: str, status: str):
    job = made.ended_job(version, status)
    body = ours.post(f"/v1/jobs/{job.id}/{verb}").json()
    assert (body["status"], body["error"], body["finished_at"]) == ("queued", None, None)
    assert ours.post(f"/v1/jobs/{job.id}/{verb}").status_code == 200


@pytest.mark.parametrize("asked", ["cancel", "pause"])
@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_running_job_that_is_to_stop_is_not_said_to_go_on(ours: Caller, version: DatasetVersion, asked: str, verb: str):
    job, _ = made.running_job(version)
    assert ours.post(f"/v1/jobs/{job.id}/{verb}").status_code == 200  # it runs: nothing to do
    ours.post(f"/v1/jobs/{job.id}/{asked}")
    assert ours.post(f"/v1/jobs/{job.id}/{verb}").status_code == 409


ILLEGAL = [("cancel", "succeeded"), ("cancel", "failed"), ("pause", "failed"), ("resume", "succeeded")]
ILLEGAL += [("retry", "paused"), ("delete", "queued"), ("delete", "running"), ("delete", "paused")]


@pytest.mark.parametrize(("verb", "status"), ILLEGAL)
def test_illegal_verb_is_a_conflict_that_says_what_is_possible(
    ours: Caller, version: DatasetVersion, verb: str, status: str
):
    job_id = _job(ours, version, status)
    path = f"/v1/jobs/{job_id}"
    answer = ours.delete(path) if verb == "delete" else ours.post(f"{path}/{verb}")
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "invalid_transition"
    for allowed in problem["allowed"]:
        assert allowed != verb
    assert ours.get(path).json()["status"] == status


def test_deleted_job_is_gone_with_its_files(ours: Caller, version: DatasetVersion):
    job, model, export = made.published_job(version)
    assert storage.sizes(f"jobs/{job.id}/")
    assert ours.delete(f"/v1/jobs/{job.id}").status_code == 204
    for path in (f"/v1/jobs/{job.id}", f"/v1/models/{model.id}", f"/v1/exports/{export.id}"):
        assert ours.get(path).status_code == 404
    deadline = time.monotonic() + 5
    while storage.sizes(f"jobs/{job.id}/") and time.monotonic() < deadline:
        time.sleep(0.05)  # they go after the answer
    assert storage.sizes(f"jobs/{job.id}/") == {}


def test_delete_minds_if_match(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version)
    path = f"/v1/jobs/{job.id}"
    tag = ours.get(path).headers["ETag"]
    refused = ours.delete(path, headers={"If-Match": '"another"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert ours.delete(path, headers={"If-Match": tag}).status_code == 204


def _job(ours: Caller, version: DatasetVersion, status: str) -> str:
    if status == "succeeded":
        return made.published_job(version)[0].id
    if status == "queued":
        return seed.job(version).id
    if status == "running":
        return made.running_job(version)[0].id
    if status == "paused":
        job = seed.job(version)
        ours.post(f"/v1/jobs/{job.id}/pause")
        return job.id
    return made.ended_job(version, status).id
