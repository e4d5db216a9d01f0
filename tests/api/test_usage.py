"""`GET /v1/usage` and the usage of a job: totals by day, project and device, as JSON and CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from api.schemas.jobs import Usage
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller

PARTS = ("useful_seconds", "lost_seconds", "waiting_seconds")


def test_totals_are_told_by_day_and_project_and_to_nobody_else(ours: Caller, theirs: Caller, version: DatasetVersion):
    made.ended_job(version, labels={"project": "line-3"})
    made.ended_job(version)
    answer = ours.get("/v1/usage", params={"group": "project,day"})
    told, today = answer.json(), datetime.now(UTC).date()
    assert (told["to"], told["group"]) == (str(today + timedelta(days=1)), ["day", "project"])
    assert [(row["day"], row["project"], row["device"], row["jobs"]) for row in told["data"]] == [
        (str(today), "line-3", None, 1),
        (str(today), None, None, 1),
    ]
    assert told["total"]["jobs"] == 2
    for row in (*told["data"], told["total"]):
        assert row["wall_seconds"] == pytest.approx(sum(row[part] for part in PARTS))
    assert ours.get("/v1/usage", headers={"If-None-Match": answer.headers["ETag"]}, params={"group": "project,day"})
    assert theirs.get("/v1/usage").json()["data"] == []


def test_csv_has_a_line_a_row(ours: Caller, version: DatasetVersion):
    made.ended_job(version, labels={"project": "line, 3"})
    answer = ours.get("/v1/usage", params={"group": "project", "format": "csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["project"], row["jobs"], row["attempts"]) == ("line, 3", "1", "1")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"from": "2026-13-01"}, "#query/from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "#query/from"),
        ({"group": "month"}, "#query/group"),
        ({"since": "2026-11-01"}, "#query/since"),
    ],
)
def test_fault_in_the_query_is_422_with_its_place(ours: Caller, query: dict, pointer: str):
    answer = ours.get("/v1/usage", params=query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_running_job_is_counted_until_its_last_sign_of_life(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    path = f"/v1/jobs/{job.id}"
    before = ours.get(path).json()["usage"]
    made.progress(claim, epoch=1, epochs=2, step=5, steps=20, device="cpu")
    after = ours.get(path).json()["usage"]
    assert set(after) == set(Usage.model_fields)
    assert after["wall_seconds"] > before["wall_seconds"] >= 0
    assert after["wall_seconds"] == pytest.approx(sum(after[part] for part in PARTS))
    assert (after["device"], after["gpu_seconds"]) == ("cpu", after["device_seconds"])
