"""Checkpoints: the writer killed at each place of the way, the newest one damaged in the store."""

from __future__ import annotations

import contextlib
import random
import signal

import psycopg

from core.store import storage
from tests.nemesis.faults.processes import send, tree
from tests.nemesis.run import INTERVAL, Fault, NotFired, Run, now
from tests.nemesis.world import wait_for
from tests.worker.fake_trainer import SAVING

UPLOADING, UPLOADED, RECORDED = "uploading", "uploaded", "recorded"
PLACES = (*SAVING, UPLOADING, UPLOADED, RECORDED)


def kill_while_saving(run: Run) -> None:
    """One after the other of the places, seed by seed: the trainer dies by its own hand, the worker by ours."""
    place = PLACES[run.seed % len(PLACES)]
    step = INTERVAL * run.rng.randrange(2, 5)
    if place in SAVING:
        _kill_trainer_at(run, step, place)
    else:
        _kill_worker_at(run, step, place)


def damage(run: Run) -> None:
    """The newest checkpoint is cut short or one of its bits flips, while nobody works on the job."""
    job_id = run.submit(steps=200)
    wait_for(lambda: len(_kept(run, job_id)) >= 2, seconds=60, what="two checkpoints")
    fence = run.claims(job_id)
    send(tree(run.holder(job_id)), signal.SIGKILL)
    newest = _kept(run, job_id)[0]
    run.allowed = {"corrupted": [newest]}
    storage.put_bytes(newest, _damaged(storage.get_bytes(newest), run.rng))
    damaged_at = now()
    run.recovered(job_id, damaged_at, fence=fence)
    told = run.world.rows(
        "SELECT data FROM job_events WHERE job_id = %s AND data->>'code' = 'checkpoint_corrupt'", job_id
    )
    run.demand(len(told) == 1, f"the damage was told {len(told)} times")
    run.fired(f"{newest} damaged")


def _kill_trainer_at(run: Run, step: int, place: str) -> None:
    once = run.world.folder / f"once-{run.name}"
    labels = {"fake/mode": "oom_kill", "fake/at": f"{step}:{place}", "fake/once": str(once)}
    job_id = run.submit(labels=labels)
    wait_for(once.exists, seconds=60, what=f"the trainer reaches {step}:{place}")
    killed_at = now()
    outcome = run.wait_outcome(job_id, 1)
    run.fired(f"SIGKILL of the trainer at {step}:{place}; its attempt {outcome}")
    run.recovered(job_id, killed_at, fence=1)


def _kill_worker_at(run: Run, step: int, place: str) -> None:
    job_id = run.submit(labels={"fake/checkpoint_bytes": "200000"})
    if place == UPLOADING:
        run.wait_step(job_id, step - INTERVAL // 2)
        run.world.link("workers", "s3").mode = "stall"
        run.wait_step(job_id, step)
    elif place == UPLOADED:
        run.wait_step(job_id, step - INTERVAL // 2)
        wire = run.world.link("workers", "postgres")
        heard = wire.words_heard
        wire.cut_on(b"INSERT INTO checkpoints", times=1000)
        wait_for(lambda: wire.words_heard > heard, seconds=60, what="a checkpoint is about to be recorded")
    else:
        wait_for(lambda: _newest_step(run, job_id) >= step, seconds=60, what=f"checkpoint {step}")
    fence, everyone = run.claims(job_id), tree(run.holder(job_id))
    send(everyone, signal.SIGKILL)
    killed_at = now()
    run.world.heal()
    if (outcome := run.wait_outcome(job_id, fence, seconds=180)) != "worker_lost":
        raise NotFired(f"attempt ended as {outcome}")
    run.fired(f"SIGKILL of worker and trainer, checkpoint {step} {place}")
    run.recovered(job_id, killed_at, fence=fence)


def _kept(run: Run, job_id: str) -> list[str]:
    """Keys, newest first."""
    with contextlib.suppress(psycopg.OperationalError):
        rows = run.world.rows("SELECT object_key FROM checkpoints WHERE job_id = %s ORDER BY step DESC", job_id)
        return [row["object_key"] for row in rows]
    return []


def _newest_step(run: Run, job_id: str) -> int:
    rows = run.world.rows("SELECT coalesce(max(step), 0) AS step FROM checkpoints WHERE job_id = %s", job_id)
    return int(rows[0]["step"])


def _damaged(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    if rng.random() < 0.5:
        return content[:at]
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


FAULTS = [
    Fault(
        "F5",
        "killed at each place of saving a checkpoint",
        kill_while_saving,
        workers=3,
        # It holds an upload until the ledger has heard of the step, which may be a second, 33 steps, later.
        lost_limit=3 * INTERVAL,
    ),
    Fault("F6", "newest checkpoint cut short or flipped in one bit", damage, workers=3, lost_limit=2 * INTERVAL),
]
