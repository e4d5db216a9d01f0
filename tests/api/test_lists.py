"""Every list: one envelope, cursors that neither skip nor repeat, filters."""

from __future__ import annotations

import pytest

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_give_each_job_once_while_others_are_added(ours: Caller, version: DatasetVersion, order: str):
    ids = [seed.job(version).id for _ in range(7)]
    wanted = ids if order == "asc" else ids[::-1]
    found: list[str] = []
    path = f"/v1/jobs?limit=3&order={order}"
    while path:
        answer = ours.get(path)
        page = answer.json()
        found += [job["id"] for job in page["data"]]
        assert (page["object"], page["first_id"], page["last_id"]) == (
            "list",
            page["data"][0]["id"],
            page["data"][-1]["id"],
        )
        assert page["has_more"] == (page["next"] is not None)
        assert answer.headers.get("Link") == (f'<{page["next"]}>; rel="next"' if page["next"] else None)
        path = page["next"]
        seed.job(version)
    assert found[:7] == wanted[:7] if order == "desc" else found[:7] == wanted


def test_empty_list_has_the_same_envelope(ours: Caller):
    for path in ("/v1/jobs", "/v1/datasets", "/v1/models"):
        assert ours.get(path).json() == {
            "object": "list",
            "data": [],
            "first_id": None,
            "last_id": None,
            "has_more": False,
            "next": None,
        }


def test_cursor_of_a_deleted_job_still_works(ours: Caller, version: DatasetVersion):
    first, second, third = (made.ended_job(version).id for _ in range(3))
    assert ours.delete(f"/v1/jobs/{second}").status_code == 204
    assert [job["id"] for job in ours.get(f"/v1/jobs?after={second}").json()["data"]] == [first]
    assert third


@pytest.mark.parametrize(
    "query", ["after=x", "after=job_1", "after=%00", "limit=0", "limit=201", "limit=x", "order=up", "status=odd"]
)
def test_bad_query_is_422_with_the_place(ours: Caller, query: str):
    answer = ours.get(f"/v1/jobs?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#query/{query.partition('=')[0]}"


def test_jobs_are_filtered_by_status_dataset_and_label(ours: Caller, version: DatasetVersion):
    other = seed.version(ours.tenant_id)
    queued = seed.job(version, labels={"a": "1", "b": "2"}).id
    failed = made.ended_job(version, labels={"a": "1"}).id
    elsewhere = seed.job(other).id

    def found(query: str) -> set[str]:
        return {job["id"] for job in ours.get(f"/v1/jobs?{query}").json()["data"]}

    assert found("status=queued") == {queued, elsewhere}
    assert found("status=queued,failed") == {queued, failed, elsewhere}
    assert found(f"dataset={version.id}") == found(f"dataset={version.dataset_id}") == {queued, failed}
    assert found("label=a:1") == {queued, failed}
    assert found("label=a:1&label=b:2") == {queued}
    assert found("label=a:2") == set()
    assert ours.get("/v1/jobs?label=a").status_code == 422
    named = ours.post("/v1/jobs", {"dataset": version.id, "name": "Night run"}).json()["id"]
    assert found("name=night") == {named}
    assert found("name=run") == set()
    assert ours.get("/v1/jobs?name=").status_code == 422


def test_list_of_jobs_is_light_unless_asked(ours: Caller, version: DatasetVersion):
    job = seed.job(version)
    one = ours.get(f"/v1/jobs/{job.id}").json()
    (light,) = ours.get("/v1/jobs").json()["data"]
    assert one.keys() - light.keys() == {"spec", "resolved", "chosen"}
    (full,) = ours.get("/v1/jobs?view=full").json()["data"]
    assert full == one
    assert ours.get("/v1/jobs?view=most").status_code == 422
