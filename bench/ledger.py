"""Claim, job page and newest metric in small and large databases: whether they stay as fast as the service grows."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cluster
import population
from figures import Figure
from plans import Plans
from population import Population
from sqlalchemy import Engine, create_engine, delete, update
from sqlalchemy.orm import Session

from core import listing
from core.jobs import curves, ledger
from core.listing import JobFilter, Window
from core.tables import Job, JobAttempt, JobEvent

SIZES, QUICK_SIZES = (100, 10_000, 1_000_000), (100, 1_000)
ROUNDS, QUICK_ROUNDS = 40, 2
REPEATS = 10  # of each measure at each size in one round
GOAL = 2.0
PAGE = 20
EVERY_JOB = JobFilter()
# The worst cases of a filter: what it lets through lies at the far end of the list.
FILTERS = {
    "job page of a rare status": JobFilter(statuses=["cancelled"]),
    "job page of a rare label": JobFilter(labels={"project": "rare"}),
    "job page of one dataset": JobFilter(dataset="ds_0"),
}
MEASURES = ("claim", "claim and commit", "job page", *FILTERS, "newest metric")


@dataclass
class Scale:
    """One database and what was measured in it, in seconds by measure."""

    population: Population
    engine: Engine
    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MEASURES})

    def median_ms(self, measure: str) -> float:
        return statistics.median(self.seconds[measure]) * 1e3


def measure(*, quick: bool) -> list[Figure]:
    sizes, rounds = (QUICK_SIZES, QUICK_ROUNDS) if quick else (SIZES, ROUNDS)
    with _scales(sizes) as scales:
        _work_through(scales, 1)  # connections, caches of statements
        for scale in scales:
            scale.seconds = {name: [] for name in MEASURES}
        for _ in range(rounds):
            _work_through(scales, REPEATS)
        return [_figure(scales, name) for name in MEASURES] + [_plans(scales[-1])]


@contextmanager
def _scales(sizes: Sequence[int]) -> Iterator[list[Scale]]:
    with cluster.running() as server:
        scales = []
        for jobs in sizes:
            url = server.create_database(f"jobs_{jobs}")
            os.environ |= cluster.settings_for(url)  # core reads its lease times from the environment
            started = time.monotonic()
            population.load(server.conninfo(f"jobs_{jobs}"), Population(jobs))
            print(f"loaded {jobs} jobs in {time.monotonic() - started:.0f} s", flush=True)
            scales.append(Scale(Population(jobs), create_engine(url)))
        try:
            yield scales
        finally:
            for scale in scales:
                scale.engine.dispose()


def _work_through(scales: Sequence[Scale], repeats: int) -> None:
    """Sizes in turn, so that a slow minute of the machine falls on all of them."""
    for scale in scales:
        with Session(scale.engine, expire_on_commit=False) as session:
            claimed = random.sample(scale.population.queued, min(repeats, scale.population.queued_count))
            for job_id in claimed:
                _claim(scale, session, job_id)
            _queue_again(session, claimed)
            for _ in range(repeats):
                session.expunge_all()
                _timed(scale, "job page", partial(job_page, session, random.randint(1, scale.population.jobs)))
                for name, wanted in FILTERS.items():
                    _timed(scale, name, partial(job_page, session, scale.population.jobs, wanted))
                job_id = population.job_id(random.choice(scale.population.measured))
                _timed(scale, "newest metric", partial(newest_metric, session, job_id))


def _claim(scale: Scale, session: Session, job_id: str) -> None:
    started = time.perf_counter()
    job = ledger.claim(session, job_id, "bench")
    session.flush()
    claimed = time.perf_counter()
    session.commit()
    scale.seconds["claim"].append(claimed - started)
    scale.seconds["claim and commit"].append(time.perf_counter() - started)
    if job is None:
        raise AssertionError(f"{job_id} was not there to be claimed")


def _timed(scale: Scale, name: str, work: Callable[[], Any]) -> None:
    started = time.perf_counter()
    work()
    scale.seconds[name].append(time.perf_counter() - started)


def job_page(session: Session, before: int, wanted: JobFilter = EVERY_JOB) -> None:
    """Twenty jobs before a place in the list, as `GET /v1/jobs` reads them."""
    window = Window(PAGE, after=population.job_id(before))
    listing.jobs(session, population.TENANT, window, wanted)


def newest_metric(session: Session, job_id: str) -> None:
    found = curves.newest(session, job_id, population.CURVE_KEYS[0])
    if found is None or found.step != population.CURVE_POINTS:
        raise AssertionError(f"{job_id} has no curve of {population.CURVE_POINTS} points")


def _queue_again(session: Session, job_ids: Sequence[str]) -> None:
    """What was claimed is queued as before; not timed."""
    session.execute(delete(JobAttempt).where(JobAttempt.job_id.in_(job_ids)))
    session.execute(delete(JobEvent).where(JobEvent.job_id.in_(job_ids), JobEvent.seq > 1))
    values = {"status": "queued", "latest_event_seq": 1, "total_attempts": 0, "worker": None, "lease_expires_at": None}
    session.execute(update(Job).where(Job.id.in_(job_ids)).values(values))
    session.commit()


def _figure(scales: Sequence[Scale], name: str) -> Figure:
    medians = [scale.median_ms(name) for scale in scales]
    ratio = medians[-1] / medians[0]
    told = ", ".join(f"{ms:.2f} ms at {scale.population.jobs:,}" for scale, ms in zip(scales, medians, strict=True))
    last = scales[-1].population
    return Figure(
        f"{name}, {last.jobs:,} jobs and {last.metric_rows:,} metric rows against {scales[0].population.jobs}",
        f"{ratio:.2f}x ({told})",
        f"<= {GOAL:g}x",
        ratio <= GOAL,
        {"median_ms": {str(scale.population.jobs): ms for scale, ms in zip(scales, medians, strict=True)}},
    )


def _plans(scale: Scale) -> Figure:
    """How Postgres finds the rows in the largest database: by which indexes, and which tables it reads whole."""
    with Session(scale.engine) as session, Plans(scale.engine) as plans:
        ledger.claim(session, scale.population.queued[0], "bench")
        for wanted in (EVERY_JOB, *FILTERS.values()):
            job_page(session, scale.population.jobs // 2, wanted)
        newest_metric(session, population.job_id(scale.population.measured[-1]))
        session.rollback()
    whole = ", ".join(sorted(plans.scanned)) or "no table"
    return Figure(
        f"plans at {scale.population.jobs:,} jobs",
        f"{whole} read whole; by {', '.join(sorted(plans.indexes))}",
        "no table read whole",
        not plans.scanned,
        {"indexes": sorted(plans.indexes), "scanned": sorted(plans.scanned)},
    )
