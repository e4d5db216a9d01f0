"""`POST /v1/comparisons/{id}/cancel` and `DELETE`: of all jobs together."""

from __future__ import annotations

from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.store import storage
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller, Server, caller
from tests.api.test_get_comparison import create, finish


def test_cancel_ends_what_is_not_over_and_again_is_no_error(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    first, second, third, fourth = (job["id"] for job in created["jobs"])
    made.succeed(first, 0.5)
    with transaction() as session:
        running = ledger.claim(session, second, "worker-1")
    ours.post(f"/v1/jobs/{third}/pause")
    path = f"{created['links']['self']}/cancel"
    answer = ours.post(path)
    assert answer.status_code == 200
    assert {job["id"]: job["status"] for job in answer.json()["jobs"]} == {
        first: "succeeded",
        second: "running",
        third: "cancelled",
        fourth: "cancelled",
    }
    with transaction() as session:
        assert ledger.record(session, Claim(second, running.fence, "worker-1")).cancel
        ledger.end(session, Claim(second, running.fence, "worker-1"), "cancelled", reason="r")
    again = ours.post(path)
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert ours.post(path).json() == again.json()


def test_cancel_of_one_that_succeeded_changes_nothing(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    finish(created)
    before = ours.get(created["links"]["self"]).json()
    answer = ours.post(f"{created['links']['self']}/cancel")
    assert (answer.status_code, answer.json()) == (200, before)


def test_delete_waits_for_the_end_and_leaves_the_jobs(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    path = created["links"]["self"]
    refused = ours.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "comparison_unfinished")
    job = created["jobs"][0]
    tag = ours.get(f"/v1/jobs/{job['id']}").headers["ETag"]
    ours.post(f"{path}/cancel")
    assert ours.delete(path).status_code == 204
    assert ours.get(path).status_code == 404
    left = ours.get(f"/v1/jobs/{job['id']}", headers={"If-None-Match": tag})
    assert (left.status_code, left.json()["comparison_id"]) == (200, None)
    assert ours.get(created["links"]["jobs"]).json()["data"] == []


def test_delete_with_its_jobs_takes_models_and_files(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    finish(created)
    path = created["links"]["self"]
    assert storage.sizes(f"jobs/{created['jobs'][0]['id']}/")
    assert ours.delete(f"{path}?jobs=some").status_code == 422
    assert ours.delete(f"{path}?jobs=delete").status_code == 204
    for job in created["jobs"]:
        assert ours.get(f"/v1/jobs/{job['id']}").status_code == 404
        assert not storage.sizes(f"jobs/{job['id']}/")
    assert ours.get("/v1/models").json()["data"] == []


def test_delete_under_a_condition(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    path = created["links"]["self"]
    tag = ours.get(path).headers["ETag"]
    ours.post(f"{path}/cancel")
    assert ours.delete(path, headers={"If-Match": tag}).status_code == 412
    assert ours.delete(path, headers={"If-Match": ours.get(path).headers["ETag"]}).status_code == 204


def test_reader_may_look_but_not_touch(server: Server, ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    path = created["links"]["self"]
    reader = caller(server.url, "ours", ("read",))
    assert reader.get(path).status_code == reader.get(f"{path}/table").status_code == 200
    for answer in (reader.post("/v1/comparisons", {}), reader.post(f"{path}/cancel"), reader.delete(path)):
        assert answer.status_code == 403
    writer = caller(server.url, "ours", ("write",))
    assert writer.get(path).status_code == writer.get(f"{path}/table").status_code == 403


def test_dataset_is_in_use_until_all_jobs_are_over(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    assert ours.delete(created["links"]["dataset"]).status_code == 409
    ours.post(f"{created['links']['self']}/cancel")
    assert ours.delete(created["links"]["dataset"]).status_code == 204
    assert ours.get(created["links"]["self"]).status_code == 200
