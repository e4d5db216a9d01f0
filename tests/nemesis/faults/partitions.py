"""Two parts that no longer hear each other while both hear everybody else: each pair in turn."""

from __future__ import annotations

import time

from tests.nemesis.run import INTERVAL, Fault, Run, now
from tests.nemesis.world import APART, SHORT, wait_for

PAIRS = [(side, server) for side in (APART, "api") for server in ("postgres", "redis", "s3")]


def part(run: Run) -> None:
    """Packets of the workers are lost in their namespace; the api's stand still in its wire."""
    side, server = PAIRS[run.seed % len(PAIRS)]
    job_id = run.submit(steps=200)
    run.wait_step(job_id, run.rng.randrange(1, 60))
    run.world.part(side, server)
    parted_at = now()
    if side == APART:
        run.submit(steps=20)
    time.sleep(run.rng.uniform(8, 20))
    run.world.join(side, server)
    joined_at = now()
    if side == "api":
        run.submit(steps=20)
    for each in list(run.jobs):
        run.wait_status(each, "succeeded", seconds=200)
    run.figure(f"{'api' if side == 'api' else 'workers'}_{server}_seconds", now() - joined_at)
    if (side, server) in {("api", "postgres"), ("api", "redis"), ("api", "s3")}:
        run.demand(run.claims(job_id) == 1, "the training was interrupted, though no worker was parted")
    wait_for(lambda: not run.world.parted, seconds=1, what="whole again")
    run.fired(f"{side} and {server} parted for {joined_at - parted_at:.0f} s")


FAULTS = [Fault("F36", "one pair parted, six pairs in turn", part, settings=SHORT, apart=2, lost_limit=2 * INTERVAL)]
