"""How long a tenant's one ingest waits behind a thousand of another's on the queue of short work."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import cluster
import population
import waiting
from figures import Figure
from population import NEIGHBOUR, TENANT, Population
from sqlalchemy import Engine, create_engine, func, select, text, update
from sqlalchemy.orm import Session

from core.database import leases, short_turns
from core.tables import DatasetVersion

CROWD, QUICK_CROWD = 1_000, 50
SAMPLES, QUICK_SAMPLES = 100, 4
SAMPLES_IN_ORDER, QUICK_SAMPLES_IN_ORDER = 3, 1
Take = Callable[[Session], DatasetVersion | None]
_ROWS = """
INSERT INTO datasets (id, tenant_id, name, task, status) VALUES
    ('ds_crowd', :crowd, 'crowd', 'classification', 'ingesting'),
    ('ds_one', :one, 'one', 'classification', 'ingesting');
INSERT INTO dataset_versions (id, tenant_id, dataset_id, upload_id, status)
    SELECT 'dsv_crowd_' || n, :crowd, 'ds_crowd', 'upl_bench', 'failed' FROM generate_series(1, :rows) n;
INSERT INTO dataset_versions (id, tenant_id, dataset_id, upload_id, status)
    VALUES ('dsv_one', :one, 'ds_one', 'upl_bench', 'failed')"""


def measure(*, quick: bool) -> list[Figure]:
    with cluster.running() as server:
        url = server.create_database("short_turns")
        os.environ |= cluster.settings_for(url)
        population.load(server.conninfo("short_turns"), Population(40))
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                rows = QUICK_CROWD if quick else CROWD
                for statement in _ROWS.split(";"):
                    connection.execute(text(statement), {"crowd": TENANT, "one": NEIGHBOUR, "rows": rows})
            in_turn = waiting.waits(_Versions(engine, _in_turn), QUICK_SAMPLES if quick else SAMPLES)
            samples = QUICK_SAMPLES_IN_ORDER if quick else SAMPLES_IN_ORDER
            in_order = waiting.waits(_Versions(engine, _in_order), samples)
        finally:
            engine.dispose()
    what = "a tenant's one ingest behind a thousand of another's"
    return waiting.figures(what, "mean ingests", in_turn, in_order)


@dataclass(frozen=True)
class _Versions:
    """A `waiting.Crowd`."""

    engine: Engine
    take: Take

    def set_back(self) -> None:
        crowd = DatasetVersion.dataset_id == "ds_crowd"
        with Session(self.engine) as session:
            session.execute(update(DatasetVersion).where(crowd).values(status="queued", lease_expires_at=None))
            session.execute(update(DatasetVersion).where(DatasetVersion.id == "dsv_one").values(status="failed"))
            session.commit()

    def submit_the_one(self) -> None:
        one = update(DatasetVersion).where(DatasetVersion.id == "dsv_one")
        with Session(self.engine) as session:
            session.execute(one.values(status="queued", created_at=func.now()))
            session.commit()

    def claim(self) -> tuple[str, bool]:
        with Session(self.engine) as session:
            version = self.take(session)
            if version is None:
                raise AssertionError("nothing was there to be claimed")
            session.commit()
            return version.id, version.id == "dsv_one"

    def end(self, claimed: str) -> None:
        with Session(self.engine) as session:
            session.execute(update(DatasetVersion).where(DatasetVersion.id == claimed).values(status="failed"))
            session.commit()


def _in_turn(session: Session) -> DatasetVersion | None:
    found = next(short_turns.candidates(session, device=None))
    short_turns.serve(session, found.tenant_id)
    return leases.claim(session, DatasetVersion, found.row_id, "bench")


def _in_order(session: Session) -> DatasetVersion | None:
    """As each message claimed the row that it was sent for."""
    queued = select(DatasetVersion.id).where(DatasetVersion.status == "queued")
    first = queued.order_by(DatasetVersion.created_at, DatasetVersion.id).limit(1)
    return leases.claim(session, DatasetVersion, session.scalars(first).one(), "bench")
