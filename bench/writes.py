"""Metric points written in batches, as a worker does, against one commit for each, on a disk that syncs."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import cluster
import population
from figures import Figure, interleaved
from population import Population
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from core.jobs import curves, ledger
from core.jobs.ledger import Claim

JOBS = 100
BATCH = 500
SINGLES = 100
ROUNDS, QUICK_ROUNDS = 15, 2
GOAL = 20.0


def measure(*, quick: bool) -> list[Figure]:
    with cluster.running() as server:
        url = server.create_database("writes")
        os.environ |= cluster.settings_for(url)  # core reads its lease times from the environment
        population.load(server.conninfo("writes"), Population(JOBS))
        engine = create_engine(url)
        try:
            return _measure(engine, QUICK_ROUNDS if quick else ROUNDS)
        finally:
            engine.dispose()


def _measure(engine: Engine, rounds: int) -> list[Figure]:
    claim = _claimed(engine, Population(JOBS).queued[0])
    steps = count(1)
    rates = interleaved(
        rounds,
        {
            "single": lambda: _single_commits(engine, _points(claim, steps, SINGLES)),
            "batch": lambda: _one_commit(engine, _points(claim, steps, BATCH)),
            "record_single": lambda: _recorded(engine, claim, _points(claim, steps, SINGLES), 1),
            "record_batch": lambda: _recorded(engine, claim, _points(claim, steps, BATCH), BATCH),
        },
    )
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return [
        _figure(f"metrics.record_all, {BATCH} points a commit against 1", medians["batch"], medians["single"]),
        _figure(
            f"ledger.record (with lease), {BATCH} points a call against 1",
            medians["record_batch"],
            medians["record_single"],
        ),
    ]


def _claimed(engine: Engine, job_id: str) -> Claim:
    with Session(engine) as session:
        job = ledger.claim(session, job_id, "bench")
        session.commit()
        if job is None:
            raise AssertionError(f"{job_id} was not there to be claimed")
        return Claim(job.id, job.fence, "bench")


def _points(claim: Claim, steps: count[int], number: int) -> list[dict[str, Any]]:
    return [
        {"job_id": claim.job_id, "key": "bench", "step": next(steps), "epoch": 1, "value": 0.5} for _ in range(number)
    ]


def _single_commits(engine: Engine, points: Sequence[dict[str, Any]]) -> float:
    """Points a second."""
    started = time.perf_counter()
    for point in points:
        _write(engine, [point])
    return len(points) / (time.perf_counter() - started)


def _one_commit(engine: Engine, points: Sequence[dict[str, Any]]) -> float:
    started = time.perf_counter()
    _write(engine, points)
    return len(points) / (time.perf_counter() - started)


def _write(engine: Engine, points: Sequence[dict[str, Any]]) -> None:
    with Session(engine) as session, session.begin():
        curves.record_all(session, points)


def _recorded(engine: Engine, claim: Claim, points: Sequence[dict[str, Any]], batch: int) -> float:
    started = time.perf_counter()
    for start in range(0, len(points), batch):
        with Session(engine) as session, session.begin():
            ledger.record(session, claim, points=points[start : start + batch])
    return len(points) / (time.perf_counter() - started)


def _figure(measure: str, batched: float, single: float) -> Figure:
    ratio = batched / single
    values = {"batched_per_second": batched, "single_per_second": single}
    told = f"{ratio:.0f}x ({batched:,.0f} against {single:,.0f} points/s)"
    return Figure(measure, told, f">= {GOAL:g}x", ratio >= GOAL, values)
