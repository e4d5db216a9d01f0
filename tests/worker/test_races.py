"""Verbs at random moments of jobs that two real worker processes work on, one of which is killed meanwhile.

Far fewer than `tests/core/jobs/test_races.py` plays; here everything between the doorbell and the trainer is real.
"""

from __future__ import annotations

import os
import random
import time

import pytest

from core import queue
from core.database.database import transaction
from core.errors import InvalidTransition
from core.jobs import requests
from core.tables.states import TERMINAL
from tests.core.jobs.racing import BEFORE, violations
from tests.worker import seed
from tests.worker.processes import wait_until
from tests.worker.test_app import uninterrupted, weights

JOBS = int(os.environ.get("PATCHSWAP_RACES", "60")) // 6  # of each verb: one is some seconds of two processors
LATEST_SECONDS = 4.0  # a job is over by then, unless it waits
ENDS = {"cancel": {"cancelled"}, "pause": {"paused", "succeeded"}, "resume": {"succeeded"}, "retry": {"succeeded"}}


def ask(verb: str, job_id: str, *, seconds: float = 30) -> bool:
    """As the api does it: accepted, then rung. False where the job came to an end that the verb has no place in."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = seed.read(job_id)
        try:
            with transaction() as session:
                getattr(requests, verb)(session, job.tenant_id, job_id)
        except InvalidTransition:
            if verb not in BEFORE or job.status == "succeeded":
                return False
            time.sleep(0.05)  # its worker has not yet stopped
        else:
            queue.ring("worker.train", job_id)
            return True
    raise AssertionError(f"{verb} was never accepted")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("verb", list(ENDS))
def test_no_verb_at_any_moment_breaks_the_ledger_or_a_promise(version, start_worker, verb):
    chance = random.Random(verb)
    workers = [start_worker(), start_worker()]
    accepted = {}
    for number in range(JOBS):
        job = seed.job(version, labels={"fake/step_seconds": "0.03"})
        queue.ring("worker.train", job.id)
        time.sleep(chance.uniform(0, LATEST_SECONDS))
        if verb not in BEFORE or ask(BEFORE[verb], job.id):
            accepted[job.id] = ask(verb, job.id)
        if number == JOBS // 2:
            workers.pop(0).kill()
            workers.append(start_worker())
    for job_id, was_accepted in accepted.items():
        job = wait_until(job_id, lambda job: job.status in TERMINAL | {"paused"}, seconds=120)
        assert violations(job_id) == []
        assert job.status in (ENDS[verb] if was_accepted else {"succeeded"})
        if job.status == "succeeded":
            assert weights(job) == uninterrupted()
