"""How long a tenant's one job waits behind a thousand of another's: claimed in turn, and in the order of submission."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import cluster
import population
import waiting
from figures import Figure
from population import NEIGHBOUR, TENANT, Population
from sqlalchemy import Engine, create_engine, func, select, update
from sqlalchemy.orm import Session

from core.jobs import ledger
from core.jobs.ledger import Claim
from core.tables import Job

JOBS = 4_000  # of which 1,000 wait
SAMPLES, QUICK_SAMPLES = 100, 4
SAMPLES_IN_ORDER, QUICK_SAMPLES_IN_ORDER = 3, 1
Take = Callable[[Session], Job | None]


def measure(*, quick: bool) -> list[Figure]:
    with cluster.running() as server:
        url = server.create_database("turns")
        os.environ |= cluster.settings_for(url)
        population.load(server.conninfo("turns"), Population(JOBS))
        engine = create_engine(url)
        try:
            in_turn = waiting.waits(_Jobs(engine, _in_turn), QUICK_SAMPLES if quick else SAMPLES)
            in_order = waiting.waits(_Jobs(engine, _in_order), QUICK_SAMPLES_IN_ORDER if quick else SAMPLES_IN_ORDER)
            claims = _claims(engine, QUICK_SAMPLES if quick else SAMPLES)
        finally:
            engine.dispose()
    what = "a tenant's one job behind a thousand of another's"
    return [*waiting.figures(what, "mean trainings", in_turn, in_order), claims]


@dataclass(frozen=True)
class _Jobs:
    """A `waiting.Crowd`."""

    engine: Engine
    take: Take

    def set_back(self) -> None:
        again = {"status": "queued", "worker": None, "lease_expires_at": None, "finished_at": None}
        with Session(self.engine) as session:
            ids = Population(JOBS).queued
            session.execute(update(Job).where(Job.id.in_(ids), Job.tenant_id == TENANT).values(**again))
            session.execute(update(Job).where(Job.tenant_id == NEIGHBOUR).values(**again | {"status": "cancelled"}))
            session.commit()

    def submit_the_one(self) -> None:
        with Session(self.engine) as session:
            one = select(Job.id).where(Job.tenant_id == NEIGHBOUR).limit(1).scalar_subquery()
            session.execute(update(Job).where(Job.id == one).values(status="queued", queued_at=func.now()))
            session.commit()

    def claim(self) -> tuple[Claim, bool]:
        with Session(self.engine) as session:
            job = self.take(session)
            if job is None:
                raise AssertionError("nothing was there to be claimed")
            session.commit()
            return Claim(job.id, job.fence, "bench"), job.tenant_id == NEIGHBOUR

    def end(self, claimed: Claim) -> None:
        with Session(self.engine) as session:
            ledger.end(session, claimed, "cancelled", reason="bench")
            session.commit()


def _in_turn(session: Session) -> Job | None:
    return ledger.claim_next(session, "bench")


def _in_order(session: Session) -> Job | None:
    """As each message claimed the job that it was sent for."""
    first = select(Job.id).where(Job.status == "queued").order_by(Job.queued_at, Job.id).limit(1)
    return ledger.claim(session, session.scalars(first).one(), "bench")


def _claims(engine: Engine, samples: int) -> Figure:
    """What choosing costs, beside a claim of a job that is named."""
    crowds = {"in turn": _Jobs(engine, _in_turn), "named": _Jobs(engine, _in_order)}
    crowds["named"].set_back()
    milliseconds: dict[str, list[float]] = {name: [] for name in crowds}
    for _ in range(samples):
        for name, crowd in crowds.items():
            begun = time.perf_counter()
            claim, _ = crowd.claim()
            milliseconds[name].append(1e3 * (time.perf_counter() - begun))
            crowd.end(claim)
    medians = {name: statistics.median(values) for name, values in milliseconds.items()}
    told = f"{medians['in turn']:.1f} ms in turn, {medians['named']:.1f} ms named"
    return Figure("claim and commit behind a thousand queued jobs", told, values={"milliseconds": milliseconds})
