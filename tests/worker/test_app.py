"""Workers as processes: through Celery, killed, asked to stop."""

from __future__ import annotations

import os
import signal

from core import queue
from tests.worker import seed
from tests.worker.processes import wait_for, wait_for_end, wait_until

SLOW = {"fake/step_seconds": "0.2", "fake/checkpoint_steps": "100"}


def test_job_rung_over_celery_succeeds(version, start_worker):
    start_worker()
    job = seed.job(version)
    queue.ring("worker.train", job.id)
    assert wait_for_end(job.id).status == "succeeded"


def test_sigterm_gives_the_job_back_with_no_step_lost(version, start_worker):
    first = start_worker()
    job = seed.job(version, labels=SLOW)
    queue.ring("worker.train", job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 4)
    first.terminate()
    row = seed.read(job.id)
    assert row.status == "queued"
    assert row.attempts == 0
    print(row.progress)
