"""How long a tenant's one job waits behind a thousand of another's: claimed in turn, and in the order of submission.

The ledger and its claims are real; trainings only take time, which is counted and not spent.
"""

from __future__ import annotations

import heapq
import os
import random
import statistics
import time
from collections.abc import Callable
from itertools import count

import cluster
import population
from figures import Figure
from population import NEIGHBOUR, TENANT, Population
from sqlalchemy import Engine, create_engine, func, select, update
from sqlalchemy.orm import Session

from core.jobs import ledger
from core.jobs.ledger import Claim
from core.tables import Job

JOBS = 4_000  # of which 1,000 wait
WORKERS = 4
SAMPLES, QUICK_SAMPLES = 100, 4
SAMPLES_IN_ORDER, QUICK_SAMPLES_IN_ORDER = 3, 1
GOAL_LENGTHS = 1.0  # a worker is free after a mean training at the latest, and the one is next
Take = Callable[[Session], Job | None]


def measure(*, quick: bool) -> list[Figure]:
    with cluster.running() as server:
        url = server.create_database("turns")
        os.environ |= cluster.settings_for(url)
        population.load(server.conninfo("turns"), Population(JOBS))
        engine = create_engine(url)
        try:
            in_turn = _waits(engine, _in_turn, QUICK_SAMPLES if quick else SAMPLES)
            in_order = _waits(engine, _in_order, QUICK_SAMPLES_IN_ORDER if quick else SAMPLES_IN_ORDER)
            claims = _claims(engine, QUICK_SAMPLES if quick else SAMPLES)
        finally:
            engine.dispose()
    return [*_figures(in_turn, in_order), claims]


def _waits(engine: Engine, take: Take, samples: int) -> list[float]:
    rng = random.Random(1)
    return [_wait(engine, take, rng) for _ in range(samples)]


def _wait(engine: Engine, take: Take, rng: random.Random) -> float:
    """From the one's submission until a worker claims it, in lengths of a mean training."""
    _set_back(engine)
    now, asked_at, order = 0.0, rng.uniform(1, 3), count()
    the_one: str | None = None
    busy: list[tuple[float, int, Claim]] = []
    while True:
        if the_one is None and now >= asked_at:
            the_one = _submit_one(engine)
        while len(busy) < WORKERS:
            claim, tenant_id = _claim(engine, take)
            if tenant_id == NEIGHBOUR:
                return now - asked_at
            heapq.heappush(busy, (now + rng.expovariate(1), next(order), claim))
        now, _, claim = heapq.heappop(busy)
        _end(engine, claim)


def _in_turn(session: Session) -> Job | None:
    return ledger.claim_next(session, "bench")


def _in_order(session: Session) -> Job | None:
    """As each message claimed the job that it was sent for."""
    first = select(Job.id).where(Job.status == "queued").order_by(Job.queued_at, Job.id).limit(1)
    return ledger.claim(session, session.scalars(first).one(), "bench")


def _claim(engine: Engine, take: Take) -> tuple[Claim, str]:
    with Session(engine) as session:
        job = take(session)
        if job is None:
            raise AssertionError("nothing was there to be claimed")
        session.commit()
        return Claim(job.id, job.fence, "bench"), job.tenant_id


def _end(engine: Engine, claim: Claim) -> None:
    with Session(engine) as session:
        ledger.end(session, claim, "cancelled", reason="bench")
        session.commit()


def _set_back(engine: Engine) -> None:
    """The crowd waits again, and nobody else."""
    waiting = {"status": "queued", "worker": None, "lease_expires_at": None, "finished_at": None}
    with Session(engine) as session:
        ids = Population(JOBS).queued
        session.execute(update(Job).where(Job.id.in_(ids), Job.tenant_id == TENANT).values(**waiting))
        session.execute(update(Job).where(Job.tenant_id == NEIGHBOUR).values(**waiting | {"status": "cancelled"}))
        session.commit()


def _submit_one(engine: Engine) -> str:
    with Session(engine) as session:
        one = select(Job.id).where(Job.tenant_id == NEIGHBOUR).limit(1).scalar_subquery()
        submit = update(Job).where(Job.id == one).values(status="queued", queued_at=func.now()).returning(Job.id)
        job_id = session.scalars(submit).one()
        session.commit()
        return job_id


def _claims(engine: Engine, samples: int) -> Figure:
    """What choosing costs, beside a claim of a job that is named."""
    _set_back(engine)
    milliseconds = {"in turn": [], "named": []}  # type: dict[str, list[float]]
    for _ in range(samples):
        for name, take in (("in turn", _in_turn), ("named", _in_order)):
            begun = time.perf_counter()
            claim, _ = _claim(engine, take)
            milliseconds[name].append(1e3 * (time.perf_counter() - begun))
            _end(engine, claim)
    medians = {name: statistics.median(values) for name, values in milliseconds.items()}
    told = f"{medians['in turn']:.1f} ms in turn, {medians['named']:.1f} ms named"
    return Figure("claim and commit behind a thousand queued jobs", told, values={"milliseconds": milliseconds})


def _figures(in_turn: list[float], in_order: list[float]) -> list[Figure]:
    p99 = statistics.quantiles(in_turn, n=100, method="inclusive")[98]
    what = f"wait of a tenant's one job behind a thousand of another's, {WORKERS} workers"
    told = f"p50 {statistics.median(in_turn):.2f}, p99 {p99:.2f} mean trainings, n = {len(in_turn)}"
    before = f"p50 {statistics.median(in_order):.0f} mean trainings, n = {len(in_order)}"
    return [
        Figure(f"{what}, in turn", told, f"p50 <= {GOAL_LENGTHS:g}", statistics.median(in_turn) <= GOAL_LENGTHS),
        Figure(f"{what}, in the order of submission", before, values={"in_turn": in_turn, "in_order": in_order}),
    ]
