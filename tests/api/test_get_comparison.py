"""`GET /v1/comparisons`, `/{id}`, `/{id}/table`: how far it is and what it says, in four formats."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from api.schemas.comparisons import Comparison
from core.database.database import transaction
from core.tables import DatasetVersion, Model
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed

ACCURACY = {("cross_entropy", 0): 0.5, ("cross_entropy", 1): 0.75, ("patch_swap", 0): 0.75, ("patch_swap", 1): 0.875}


def create(ours: Caller, version: DatasetVersion, **more: Any) -> dict[str, Any]:
    spec = {"training": {"epochs": 2, "pairs_per_batch": 4}}
    asked = {"dataset": version.id, "spec": spec, "methods": ["patch_swap"], "seeds": 2} | more
    return ours.post("/v1/comparisons", asked).json()


def finish(created: dict[str, Any], **told: Any) -> None:
    for job in created["jobs"]:
        made.succeed(job["id"], ACCURACY[job["method"], job["seed"]], **told)


def test_page_has_exactly_the_documented_fields(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    finish(created)
    body = ours.get(created["links"]["self"]).json()
    assert set(body) == set(Comparison.model_fields)
    assert Comparison.model_validate(body).model_dump(mode="json") == body


def test_status_follows_the_jobs(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    path, ids = created["links"]["self"], [job["id"] for job in created["jobs"]]

    def seen() -> tuple[str, dict[str, int], bool]:
        answer = ours.get(path)
        body = answer.json()
        (listed,) = ours.get("/v1/comparisons").json()["data"]
        assert (listed["status"], listed["counts"]) == (body["status"], body["counts"])
        assert (body["finished_at"] is None) == ("Retry-After" in answer.headers)
        return body["status"], body["counts"], body["finished_at"] is not None

    assert seen() == ("queued", {"queued": 4}, False)
    made.succeed(ids[0], 0.5)
    assert seen() == ("running", {"queued": 3, "succeeded": 1}, False)
    for job_id in ids[1:]:
        ours.post(f"/v1/jobs/{job_id}/pause")
    assert seen() == ("paused", {"paused": 3, "succeeded": 1}, False)
    for job_id in ids[1:]:
        ours.post(f"/v1/jobs/{job_id}/cancel")
    assert seen() == ("cancelled", {"cancelled": 3, "succeeded": 1}, True)
    ours.delete(f"/v1/jobs/{ids[0]}")
    assert seen() == ("cancelled", {"cancelled": 3}, True)
    for job_id in ids[1:]:
        ours.delete(f"/v1/jobs/{job_id}")
    assert ours.get(path).json()["status"] == "empty"


def test_unchanged_page_is_304(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    tag = ours.get(created["links"]["self"]).headers["ETag"]
    again = ours.get(created["links"]["self"], headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    made.succeed(created["jobs"][0]["id"], 0.5)
    assert ours.get(created["links"]["self"], headers={"If-None-Match": tag}).status_code == 200


def test_table_is_of_what_the_jobs_measured(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    finish(created, peak_memory_bytes=7_000_000)
    table = ours.get(created["links"]["table"]).json()
    assert ours.get(created["links"]["self"]).json()["table"] == table
    control, swapped = table["rows"]
    assert (control["method"], control["is_control"], control["difference"]) == ("cross_entropy", True, None)
    assert control["top1_accuracy"]["mean"] == 0.625
    assert swapped["top1_accuracy_by_seed"] == {"0": 0.75, "1": 0.875}
    difference = swapped["difference"]
    assert (difference["mean"], difference["seeds"]) == (0.1875, 2)
    assert 0 < difference["p_value"] == difference["p_value_adjusted"] < 1
    assert difference["low"] < 0.1875 < difference["high"]
    assert (swapped["images_seen"], swapped["train_seconds"]) == (80, 1)
    assert (swapped["ece"]["mean"], swapped["nll"]["mean"], swapped["peak_memory_bytes"]) == (0.1, 1, 7_000_000)
    assert (table["split"], table["samples"]) == ("test", 10)


def test_table_of_trainers_that_do_not_tell_memory(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    finish(created)
    assert [row["peak_memory_bytes"] for row in ours.get(created["links"]["table"]).json()["rows"]] == [None, None]


def test_model_of_an_older_worker_is_compared_all_the_same(ours: Caller, version: DatasetVersion):
    created = create(ours, version)
    finish(created)
    before = ours.get(created["links"]["table"]).json()
    with transaction() as session:
        session.execute(update(Model).values(figures=None))
    assert ours.get(created["links"]["table"]).json() == before


def test_table_in_every_format(ours: Caller, version: DatasetVersion):
    created = create(ours, version, name="two | three")
    finish(created)
    path = created["links"]["table"]
    found = {name: ours.get(f"{path}?format={name}") for name in ("csv", "markdown", "png")}
    suffix = {"csv": "csv", "markdown": "md", "png": "png"}
    for name, answer in found.items():
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{created["id"]}-table.{suffix[name]}"'
        again = ours.get(f"{path}?format={name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert len({answer.headers["ETag"] for answer in found.values()}) == 3
    assert found["csv"].headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(StringIO(found["csv"].text)))
    assert [line["difference_mean"] for line in lines] == ["", "0.1875"]
    assert found["markdown"].headers["Content-Type"].startswith("text/markdown")
    assert "| patch_swap | 2/2 | 81.25 |" in found["markdown"].text
    assert found["png"].headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(found["png"].content)) as picture:
        assert picture.size[0] == 1200
    wrong = ours.get(f"{path}?format=pdf")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#query/format")


def test_a_table_can_be_had_before_anything_finished(ours: Caller, version: DatasetVersion):
    path = create(ours, version)["links"]["table"]
    assert [row["finished"] for row in ours.get(path).json()["rows"]] == [0, 0]
    for name in ("csv", "markdown", "png"):
        assert ours.get(f"{path}?format={name}").status_code == 200


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_comparisons_are_listed_page_by_page(ours: Caller, theirs: Caller, version: DatasetVersion, order: str):
    ids = [create(ours, version, seeds=1)["id"] for _ in range(3)]
    found, path = [], f"/v1/comparisons?limit=2&order={order}"
    while path:
        page = ours.get(path).json()
        found += [one["id"] for one in page["data"]]
        path = page["next"]
    assert found == (ids if order == "asc" else ids[::-1])
    assert theirs.get("/v1/comparisons").json()["data"] == []


def test_jobs_are_filtered_by_comparison(ours: Caller, theirs: Caller, version: DatasetVersion):
    created = create(ours, version)
    alone = seed.job(version).id
    path = created["links"]["jobs"]
    assert {job["id"] for job in ours.get(path).json()["data"]} == {job["id"] for job in created["jobs"]}
    made.succeed(created["jobs"][0]["id"], 0.5)
    assert [job["id"] for job in ours.get(f"{path}&status=succeeded").json()["data"]] == [created["jobs"][0]["id"]]
    assert ours.get(f"/v1/jobs/{alone}").json()["comparison_id"] is None
    assert theirs.get(path).json()["data"] == []
