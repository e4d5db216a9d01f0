"""Clocks that jump an hour: the leases live by the database's clock and must not notice."""

from __future__ import annotations

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

from tests.nemesis.faults.processes import begin
from tests.nemesis.run import INTERVAL, Fault, NotFired, Run, now
from tests.worker.processes import Worker


def jump(run: Run) -> None:
    """An hour ahead or back, for some seconds, on all workers or on the api."""
    side = run.rng.choice(["workers", "api"])
    seconds = run.rng.choice([3600, -3600])
    job_id = begin(run, steps=200)
    fence, worker = run.claims(job_id), run.holder(job_id)
    run.world.set_clock(side, seconds)
    jumped_at = now()
    time.sleep(run.rng.uniform(4, 7))
    seen = _skew_of_api(run) if side == "api" else _skew_of_worker(worker)
    run.submit(steps=20)
    time.sleep(run.rng.uniform(4, 7))
    run.world.set_clock(side, 0)
    run.wait_status(job_id, "succeeded")
    run.demand(run.claims(job_id) == fence, "the job was claimed again: a lease followed the wrong clock")
    if abs(seen - seconds) > 60:
        raise NotFired(f"the clock of {side} was {seen:.0f} s off")
    run.fired(f"clock of {side} {seen:+.0f} s for {now() - jumped_at:.0f} s")


def _skew_of_api(run: Run) -> float:
    answer = run.customer.once("probe", "GET", "/v1/jobs")
    if answer is None:
        raise NotFired("the api did not answer")
    return parsedate_to_datetime(answer.headers["date"]).timestamp() - now()


def _skew_of_worker(worker: Worker) -> float:
    """By the newest line of its log: one of a refused signature, at the latest checkpoint."""
    newest = [line for line in worker.log.read_text().splitlines() if line.startswith('{"at": "')][-1]
    return datetime.fromisoformat(newest.split('"')[3]).timestamp() - now()


FAULTS = [Fault("F35", "clock an hour off, of all workers or the api", jump, clocks=True, lost_limit=INTERVAL)]
