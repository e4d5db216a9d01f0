"""Redis and its messages: lost, doubled, flushed; the server killed, full, silent or away."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import redis

from core import queue
from tests.nemesis.run import Fault, Run, now
from tests.nemesis.world import wait_for

QUICK = {"steps": 20, "step_seconds": 0.02}


def duplicate(run: Run) -> None:
    """Ten more messages for a job, all at once, from before its claim until after."""
    job_id = run.submit(**QUICK)
    with ThreadPoolExecutor(10) as pool:
        sent = list(pool.map(lambda _: queue.ring("worker.train", job_id), range(10)))
    run.wait_status(job_id, "succeeded")
    wait_for(lambda: queue.depth("train") == 0, seconds=30, what="every message is taken")
    run.demand(run.claims(job_id) == 1, f"claimed {run.claims(job_id)} times")
    run.fired(f"{sum(sent)} messages beside the api's own")


def restart(run: Run) -> None:
    """kill -9 of Redis five times in a row, idle or busy."""
    busy = run.submit(steps=200) if run.rng.random() < 0.5 else None
    if busy:
        run.wait_step(busy, 1)
    for _ in range(5):
        run.world.redis.kill()
        time.sleep(run.rng.uniform(0, 0.5))
        run.world.redis.start()
    _measure_consuming(run, now())
    run.fired("kill -9 of Redis and a new start, five times")


def flush(run: Run) -> None:
    """FLUSHALL with one job running and others queued: their messages are gone."""
    jobs = [run.submit(steps=100)]
    run.wait_step(jobs[0], 1)
    jobs += [run.submit(**QUICK) for _ in range(8)]
    lost = queue.depth("train")
    with redis.Redis.from_url(run.world.redis.url) as client:
        client.flushall()
    flushed_at = now()
    for job_id in jobs:
        run.wait_status(job_id, "succeeded")
    run.figure("drain_seconds", now() - flushed_at)
    run.fired(f"FLUSHALL with {lost} messages waiting")


def _measure_consuming(run: Run, since: float) -> None:
    """How long until a job that is submitted now is claimed."""
    job_id = run.submit(**QUICK)
    run.wait_status(job_id, "running", "succeeded")
    run.figure("recovery_seconds", now() - since)


Inject = Callable[[Run], None]
FAULTS = [
    Fault("F12", "ten simultaneous duplicates of a message", duplicate, workers=4, lanes=1),
    Fault("F15", "kill -9 of Redis, five times in a row", restart, production=True, target="60 s"),
    Fault("F16", "FLUSHALL", flush),
]
