"""The log of a job over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.database.database import transaction
from core.jobs import ledger, logs
from core.jobs.ledger import Claim
from core.jobs.logs import Line
from core.tables import DatasetVersion, JobLogLine
from tests.api import made
from tests.api.serving import Caller


def say(claim: Claim, *texts: str) -> None:
    with transaction() as session:
        ledger.record(session, claim, lines=[Line("trainer", datetime.now(UTC), text) for text in texts])


def texts(ours: Caller, job_id: str, **params: int) -> list[str]:
    return [line["text"] for line in ours.get(f"/v1/jobs/{job_id}/logs", params=params).json()["data"]]


def test_lines_are_read_from_a_cursor_from_the_end_and_page_by_page(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    assert texts(ours, job.id) == []
    say(claim, "a", "b", "c")
    assert texts(ours, job.id) == ["a", "b", "c"]
    assert texts(ours, job.id, tail=2) == ["b", "c"]
    assert texts(ours, job.id, after=2) == ["c"]
    page = ours.get(f"/v1/jobs/{job.id}/logs", params={"limit": 2}).json()
    assert (page["last_id"], page["has_more"]) == ("2", True)
    assert [line["text"] for line in ours.get(page["next"]).json()["data"]] == ["c"]
    line = page["data"][0]
    assert (line["seq"], line["attempt"], line["source"]) == (1, 1, "trainer")


def test_log_stays_after_the_end_and_goes_with_its_job(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    say(claim, "a")
    with transaction() as session:
        ledger.end(session, claim, "failed", reason="made so")
    assert texts(ours, job.id) == ["a"]
    assert ours.delete(f"/v1/jobs/{job.id}").status_code == 204
    with transaction() as session:
        assert session.query(JobLogLine).count() == 0


def test_log_is_its_tenants(ours: Caller, theirs: Caller, version: DatasetVersion):
    job, _ = made.running_job(version)
    assert theirs.get(f"/v1/jobs/{job.id}/logs").status_code == 404


def test_oldest_lines_go_beyond_the_bound(ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "KEPT_LINES", 3)
    job, claim = made.running_job(version)
    say(claim, "a", "b")
    say(claim, "c", "d", "e" * 2 * logs.LONGEST_LINE)
    assert texts(ours, job.id) == ["c", "d", "e" * logs.LONGEST_LINE]
    say(claim, "f")
    assert texts(ours, job.id, after=3)[-1] == "f"
