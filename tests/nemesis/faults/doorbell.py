"""Redis and its messages: lost, doubled, flushed; the server killed, full, silent or away; a worker gone deaf."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import redis

from core import queue
from tests.nemesis.run import Fault, NotFired, Run, now
from tests.nemesis.world import SHORT, wait_for
from tests.worker.processes import command_line

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


def api_dies_before_ringing(run: Run) -> None:
    """kill -9 of the api after its COMMIT: the message was never sent, and the customer has no answer."""
    link = run.world.link("api", "redis")
    link.mode = "stall"
    with ThreadPoolExecutor(1) as pool:
        key = f"{run.name}-0"
        asked = pool.submit(run.submit, **QUICK, key=key)
        committed = run.world.rows
        statement = "SELECT id FROM jobs WHERE labels->>'nemesis/key' = %s"
        wait_for(lambda: committed(statement, key), seconds=30, what="the job is committed")
        run.world.api.kill()
        killed_at = now()
        link.heal()
        run.world.api.start()
        job_id = asked.result(120)
    run.wait_status(job_id, "running", "succeeded")
    run.figure("recovery_seconds", now() - killed_at)
    unanswered = [line for line in run.history.of("submit") if line["outcome"] == "unknown"]
    if not unanswered:
        raise NotFired("the api had answered")
    run.fired("kill -9 of the api between COMMIT and message")


def sweeper_dies(run: Run) -> None:
    """The api rings nobody; the sweepers, who ring in its place, are killed again and again after their mark."""
    run.world.link("api", "redis").mode = "refuse"
    jobs = [run.submit(**QUICK) for _ in range(4)]
    submitted_at, killed = now(), 0
    for _ in range(4):
        time.sleep(run.rng.uniform(0.2, 2))
        for sweeper in _sweepers(run):
            sweeper.kill()
            killed += 1
    for job_id in jobs:
        run.wait_status(job_id, "succeeded")
        run.demand(run.claims(job_id) == 1, f"{job_id} was claimed {run.claims(job_id)} times")
    run.figure("drain_seconds", now() - submitted_at)
    run.fired(f"{killed} sweepers killed, no message of the api's")


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
    jobs += [run.submit(**QUICK) for _ in range(6)]
    lost = queue.depth("train")
    with redis.Redis.from_url(run.world.redis.url) as client:
        client.flushall()
    flushed_at = now()
    for job_id in jobs:
        run.wait_status(job_id, "succeeded")
    run.figure("drain_seconds", now() - flushed_at)
    run.fired(f"FLUSHALL with {lost} messages waiting")


def away(run: Run) -> None:
    """Redis is down for long while customers submit: every answer is 202, and the jobs start once it is back."""
    run.world.redis.kill()
    down_at = now()
    jobs = [run.submit(**QUICK) for _ in range(3)]
    time.sleep(run.outage_seconds(120 if run.production else run.rng.uniform(10, 30)))
    jobs.append(run.submit(**QUICK))
    asked = run.history.of("submit")
    run.demand(all(line["outcome"] == "ok" for line in asked), "a submit failed while Redis was down")
    for line in asked:
        run.figure("submit_seconds", line["end"] - line["start"])
    run.world.redis.start()
    up_at = now()
    wait_for(
        lambda: any(run.job(job_id).get("status") not in ("queued", None) for job_id in jobs),
        seconds=120,
        what="a job is claimed",
    )
    run.figure("recovery_seconds", now() - up_at)
    run.fired(f"Redis down for {up_at - down_at:.0f} s")


def half_open(run: Run) -> None:
    """Every connection to Redis goes dead without a word, as when a firewall forgets them; new ones work."""
    links = [run.world.link(side, "redis") for side in ("api", "workers")]
    frozen = sum(link.freeze() for link in links)
    frozen_at = now()
    run.submit(**QUICK)
    for line in run.history.of("submit"):
        run.figure("submit_seconds", line["end"] - line["start"])
    _measure_consuming(run, frozen_at)
    run.demand(now() - frozen_at <= 60, f"consuming only after {now() - frozen_at:.0f} s")
    run.fired(f"{frozen} connections dead")


def full(run: Run) -> None:
    """Redis refuses every write for want of memory; the jobs are committed and ring later."""
    with redis.Redis.from_url(run.world.redis.url) as client:
        client.config_set("maxmemory", "1mb")
        refused_before = client.info("stats")["total_error_replies"]
        jobs = [run.submit(**QUICK) for _ in range(3)]
        time.sleep(run.rng.uniform(2, 6))
        refused = client.info("stats")["total_error_replies"] - refused_before
        client.config_set("maxmemory", "0")
    room_at = now()
    for job_id in jobs:
        run.wait_status(job_id, "running", "succeeded")
    run.figure("recovery_seconds", now() - room_at)
    if not refused:
        raise NotFired("Redis refused nothing")
    run.fired(f"{refused} commands refused for want of memory")


def deaf(run: Run) -> None:
    """The consumer of the only worker stands still: it is ended and another is started, and the jobs are done."""
    (worker,) = run.world.fleet.workers
    os.kill(worker.process.pid, signal.SIGSTOP)
    stopped_at = now()
    jobs = [run.submit(**QUICK) for _ in range(3)]
    wait_for(lambda: worker.process.poll() is not None, seconds=120, what="the deaf worker is ended")
    run.figure("detection_seconds", now() - stopped_at)
    run.demand(now() - stopped_at <= 60, f"noticed only after {now() - stopped_at:.0f} s")
    wait_for(
        lambda: any(run.job(job_id)["status"] != "queued" for job_id in jobs), seconds=120, what="a job is claimed"
    )
    run.figure("recovery_seconds", now() - stopped_at)
    for job_id in jobs:
        run.wait_status(job_id, "succeeded")
    run.fired(f"SIGSTOP of the consumer of {worker.name}, the only worker")


def deaf_while_training(run: Run) -> None:
    """The same while it trains: the training is not touched, and the worker is ended after it."""
    job_id, behind = run.submit(steps=400, step_seconds=0.1), run.submit(**QUICK)
    run.wait_step(job_id, 1)
    worker = run.holder(job_id)
    os.kill(worker.process.pid, signal.SIGSTOP)
    run.wait_status(job_id, "succeeded")
    ended_at = now()
    run.demand(run.claims(job_id) == 1, "the training was interrupted")
    run.wait_status(behind, "succeeded")
    run.figure("after_training_seconds", now() - ended_at)
    run.fired(f"SIGSTOP of the consumer of {worker.name}, the only worker, while its task ran")


def _deaf(run: Run) -> None:
    (deaf_while_training if run.seed % 4 == 0 else deaf)(run)


def _measure_consuming(run: Run, since: float) -> None:
    """How long until a job that is submitted now is claimed."""
    job_id = run.submit(**QUICK)
    run.wait_status(job_id, "running", "succeeded")
    run.figure("recovery_seconds", now() - since)


def _sweepers(run: Run) -> list[psutil.Process]:
    everyone = [child for worker in run.world.fleet.workers for child in worker.descendants()]
    return [process for process in everyone if "sweep" in command_line(process)]


FAULTS = [
    Fault("F12", "ten simultaneous duplicates of a message", duplicate, workers=4),
    Fault("F13", "api killed between COMMIT and message", api_dies_before_ringing),
    Fault("F14", "sweepers killed while they ring", sweeper_dies),
    Fault("F15", "kill -9 of Redis, five times in a row", restart, production=True, target="60 s"),
    Fault("F16", "FLUSHALL with one job running and six queued", flush),
    Fault("F17", "Redis down for 10 to 30 s (production: 120 s)", away, production=True, target="60 s"),
    Fault("F18", "every connection to Redis goes dead without a word", half_open, target="60 s"),
    Fault("F19", "Redis full", full),
    Fault(
        "F20",
        "the only worker's consumer stands still",
        _deaf,
        settings=SHORT | {"DEAF": "10"},
        workers=1,
        production=True,
        target="noticed in 60 s",
    ),
]
