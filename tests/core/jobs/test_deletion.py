"""Deleting many jobs costs as many statements as deleting one."""

from __future__ import annotations

from sqlalchemy import event

from core.database.database import engine, transaction
from core.jobs import deletion
from core.tables import Export, Job, Model
from tests.api import made
from tests.worker import seed


def statements(job_ids: list[str], tenant_id: str) -> int:
    counted: list[str] = []
    listener = lambda _c, _u, statement, *_: counted.append(statement)  # noqa: E731
    event.listen(engine(), "before_cursor_execute", listener)
    try:
        with transaction() as session:
            deletion.delete_all(session, tenant_id, job_ids)
    finally:
        event.remove(engine(), "before_cursor_execute", listener)
    return len(counted)


def test_many_jobs_go_by_as_many_statements_as_one(database: str):
    version = seed.version(seed.tenant())
    ids = [made.published_job(version, control=False)[0].id for _ in range(8)]
    kept = made.published_job(version, control=False)[0].id
    one = statements(ids[:1], version.tenant_id)
    assert statements(ids[1:], version.tenant_id) == one
    with transaction() as session:
        assert [job.id for job in session.query(Job)] == [kept]
        assert (session.query(Model).count(), session.query(Export).count()) == (1, 1)
