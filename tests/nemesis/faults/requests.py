"""Cancels at every moment of a job's life: whatever was answered must come true."""

from __future__ import annotations

import signal
import time

from tests.nemesis.faults.processes import send, tree
from tests.nemesis.run import Fault, NotFired, Run, now

MOMENTS = ("queued", "claiming", "training", "publishing", "worker dead", "no worker up")


def cancel(run: Run) -> None:
    """Moment by moment, seed by seed."""
    moment = MOMENTS[run.seed % len(MOMENTS)]
    reach = {"claiming": _claiming, "training": _training, "publishing": _publishing, "worker dead": _dead}
    if moment in ("queued", "no worker up"):
        job_id = _waiting(run, dead=moment == "no worker up")
    else:
        job_id = reach[moment](run)
    asked_at = now()
    answer = run.customer.ask("cancel", job_id, key=f"{run.name}-cancel")
    job = run.wait_status(job_id, "cancelled", "succeeded", seconds=120)
    run.figure("cancel_seconds", now() - asked_at)
    if answer.status_code == 200:
        run.demand(job["status"] == "cancelled", f"cancel was accepted {moment}, and the job {job['status']}")
    else:
        run.demand(answer.status_code == 409 and job["status"] == "succeeded", f"{answer.status_code}, {job['status']}")
    _wake(run)
    time.sleep(1)
    run.demand(run.job(job_id)["status"] == job["status"], "the status changed after its end")
    run.fired(f"cancel while {moment}: {answer.status_code}, {job['status']}")


def _waiting(run: Run, *, dead: bool) -> str:
    """No worker takes it: all stand still, or none is there."""
    for worker in run.world.fleet.workers:
        send(tree(worker), signal.SIGSTOP)
    job_id = run.submit()
    if dead:
        run.world.fleet.hold()
        for worker in run.world.fleet.workers:
            send(tree(worker), signal.SIGKILL)
    return job_id


def _wake(run: Run) -> None:
    run.world.fleet.go_on()
    for worker in run.world.fleet.workers:
        send(tree(worker) if worker.process.poll() is None else [], signal.SIGCONT)


def _claiming(run: Run) -> str:
    job_id = run.submit()
    time.sleep(run.rng.uniform(0, 0.3))
    return job_id


def _training(run: Run) -> str:
    job_id = run.submit()
    run.wait_step(job_id, run.rng.randrange(1, 90))
    return job_id


def _publishing(run: Run) -> str:
    job_id = run.submit(steps=20)
    run.wait_phase(job_id, run.rng.choice(["evaluate", "export", "publish"]))
    return job_id


def _dead(run: Run) -> str:
    job_id = _training(run)
    send(tree(run.holder(job_id)), signal.SIGKILL)
    if run.job(job_id)["status"] != "running":
        raise NotFired("the job had ended")
    return job_id


FAULTS = [Fault("F38", "cancel at six moments in turn", cancel, expects=frozenset({"cancelled", "succeeded"}))]
