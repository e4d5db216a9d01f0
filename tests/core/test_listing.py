"""Lists of jobs: filters narrow, order and cursor hold whatever is filtered, no row of another tenant appears."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import update

from core import listing
from core.accounts.keys import ensure_tenant
from core.database.database import transaction
from core.listing import JobFilter, Window
from core.tables import Job
from tests.worker import seed

STATUSES = ("queued", "failed", "succeeded", "failed", "cancelled", "queued", "failed")


@pytest.fixture
def job_ids(database: str) -> list[str]:
    """Oldest first, with the statuses above and a label each."""
    version = seed.version(seed.tenant())
    ids = [seed.job(version).id for _ in STATUSES]
    with transaction() as session:
        for number, (job_id, status) in enumerate(zip(ids, STATUSES, strict=True)):
            labels = {"parity": "odd" if number % 2 else "even"}
            session.execute(update(Job).where(Job.id == job_id).values(status=status, labels=labels))
    return ids


def listed(wanted: JobFilter, *, tenant_id: str | None = None, **window) -> list[str]:
    with transaction() as session:
        window = Window(**{"limit": 10, **window})
        return [row["id"] for row in listing.jobs(session, tenant_id or seed.tenant(), window, wanted)]


@pytest.mark.parametrize("descending", [True, False])
def test_jobs_of_several_statuses_come_in_one_order(job_ids, descending):
    wanted = JobFilter(statuses=["failed", "queued", "failed"])
    expected = [job_id for job_id, status in zip(job_ids, STATUSES, strict=True) if status in wanted.statuses]
    assert listed(wanted, descending=descending) == (expected[::-1] if descending else expected)


@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_several_statuses_join_without_gap_or_repeat(job_ids, descending):
    wanted, found, after = JobFilter(statuses=["failed", "cancelled"]), [], None
    while page := listed(wanted, limit=1, after=after, descending=descending):
        found.append(page[0])
        assert len(page) <= 2
        after = page[0]
    assert found == listed(wanted, descending=descending)
    assert len(found) == 4


def test_status_and_label_narrow_together(job_ids):
    assert listed(JobFilter(statuses=["failed"], labels={"parity": "odd"})) == [job_ids[3], job_ids[1]]
    assert listed(JobFilter(labels={"parity": "odd"})) == [job_ids[5], job_ids[3], job_ids[1]]


@pytest.mark.parametrize("many", [0, 100])
@pytest.mark.parametrize("descending", [True, False])
def test_a_name_is_found_by_its_beginning_in_any_case(job_ids, descending, many, monkeypatch):
    monkeypatch.setattr(listing, "MANY", many)
    names = ("Clothes v1", "clothes V2", "my clothes", None, "clothing", "CLOTHES", "clothes_v3")
    with transaction() as session:
        for job_id, name in zip(job_ids, names, strict=True):
            session.execute(update(Job).where(Job.id == job_id).values(name=name))
    found = [job_ids[0], job_ids[1], job_ids[5], job_ids[6]]
    expected = found[::-1] if descending else found
    assert listed(JobFilter(name="cLothes"), descending=descending) == expected
    assert listed(JobFilter(name="clothes"), after=expected[1], descending=descending) == expected[2:]
    assert listed(JobFilter(name="clothes_"), descending=descending) == [job_ids[6]]
    assert listed(JobFilter(name="clothes%")) == []
    assert (
        listed(JobFilter(name="clothes", statuses=["failed"]), descending=descending)
        == [job_ids[6], job_ids[1]][:: 1 if descending else -1]
    )


def test_no_filter_shows_another_tenants_jobs(job_ids):
    with transaction() as session:
        other = ensure_tenant(session, "others").id
    for wanted in (JobFilter(), JobFilter(statuses=["failed"]), JobFilter(labels={"parity": "odd"})):
        assert listed(wanted, tenant_id=other) == []


def test_a_rare_status_label_or_comparison_is_found_by_an_index(job_ids, database, postgres_server):
    """The indexes fit the very statements: with a scan forbidden, Postgres has a way."""
    with psycopg.connect(postgres_server.conninfo("patchswap")) as connection:
        connection.execute("SET enable_seqscan = off")
        for condition, index in (
            ("tenant_id = 't' AND status = 'failed' ORDER BY id DESC", "ix_jobs_tenant_id_status_id"),
            ("comparison_id = 'c' ORDER BY id DESC", "ix_jobs_comparison_id_id"),
            ("comparison_id IN ('c', 'd')", "ix_jobs_comparison_id_id"),
            ("""labels @> '{"a": "b"}'""", "ix_jobs_labels"),
        ):
            plan = connection.execute(f"EXPLAIN SELECT id FROM jobs WHERE {condition}").fetchall()
            assert any(index in line for (line,) in plan), plan
