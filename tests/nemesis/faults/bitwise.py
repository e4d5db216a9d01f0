"""Resume, bit by bit: the real trainer killed at a random time, against the same job that nobody disturbed."""

from __future__ import annotations

import time

from tests.nemesis.fleet import trainers
from tests.nemesis.run import Fault, NotFired, Run, now
from tests.nemesis.world import wait_for

SETTINGS = {"trainer_module": "trainer", "STALL": "120", "LEASE": "30", "HEARTBEAT": "1", "SWEEP": "1"}
# A small network on 72 images of noise, a checkpoint every second.
BODY = {
    "model": {"architecture": "resnet20"},
    "training": {"epochs": 40, "pairs_per_batch": 16, "checkpoint_every_seconds": 1},
    "exports": [],
}


def kill_real_trainer(run: Run) -> None:
    """kill -9 once or twice; the undisturbed one is trained once for all seeds, by the same workers."""
    body = BODY | {"dataset": run.world.real_version().id}
    expected = run.world.undisturbed(body)
    job_id = run.submit(weights=expected, **body)
    outcomes = []
    for _ in range(run.rng.choice([1, 1, 2])):
        fence = run.claims(job_id) or 1
        wait_for(lambda: run.trained_steps(job_id) > 0, seconds=120, what="it trains")
        time.sleep(run.rng.uniform(0, 4))
        found = trainers(job_id)
        if not found or run.job(job_id)["phase"] != "train":
            break
        fence = run.claims(job_id)
        found[0].kill()
        killed_at = now()
        outcomes.append(run.wait_outcome(job_id, fence))
        run.recovered(job_id, killed_at, fence=fence)
    run.wait_status(job_id, "succeeded", "failed", seconds=300)
    if not outcomes:
        raise NotFired("the training was over before it could be killed")
    run.fired(f"kill -9 of the real trainer: {', '.join(outcomes)}")


FAULTS = [
    Fault(
        "F45",
        "the real trainer killed, its resume compared bit by bit",
        kill_real_trainer,
        settings=SETTINGS,
        workers=1,
        lost_limit=10**6,  # its checkpoints come by the clock, not by steps
        end_seconds=400,
    )
]
