"""Postgres restarts, stays away, breaks a connection at COMMIT, or is blocked; and requests race each other."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from core.database.pool import STILL_SECONDS
from tests.nemesis.client import Customer
from tests.nemesis.faults.processes import begin
from tests.nemesis.fleet import trainers
from tests.nemesis.run import INTERVAL, UPLOADING, Fault, NotFired, Run, now
from tests.nemesis.world import wait_for
from tests.servers import processes

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # the message by which libpq ends a transaction
PROBE_SECONDS = 0.05


def restart(run: Run) -> None:
    """`pg_ctl restart -m immediate` in the middle of everything."""
    job_id = begin(run, steps=200)
    fence = run.claims(job_id)
    with _probing(run, job_id) as failures:
        began = _down(run)
        time.sleep(run.rng.uniform(0, 1))
        run.world.postgres.start()
        up_at = now()
        run.submit(steps=20)
        time.sleep(6)
    window = max(failures, default=up_at) - up_at
    run.figure("error_window_seconds", max(0.0, window))
    run.demand(window <= 5, f"the api still failed {window:.1f} s after Postgres was up")
    run.wait_status(job_id, "succeeded", seconds=run.fault.end_seconds)
    run.demand(run.claims(job_id) == fence, "the training was interrupted")
    run.fired(f"Postgres away for {up_at - began:.1f} s; {len(failures)} requests failed")


def down_beyond_lease(run: Run) -> None:
    """The worker stops by itself before its lease ends, and no other can have begun."""
    job_id = begin(run, steps=3_000 if run.production else 200)  # longer than the lease
    fence, trainer = run.claims(job_id), run.trainer(job_id)
    lease = float(run.fault.settings.get("LEASE", 60))
    began = _down(run)
    wait_for(lambda: not trainer.is_running(), seconds=lease * 3, what="the trainer stops")
    run.figure("self_fenced_seconds", now() - began)
    run.demand(now() - began <= lease + 1, f"it trained {now() - began:.1f} s after the last renewal it can have made")
    time.sleep(max(0.0, began + run.outage_seconds(lease * run.rng.uniform(1.2, 2)) - now()))
    run.demand(not trainers(job_id), "something trains while the ledger is away")
    run.world.postgres.start()
    up_at = now()
    run.recovered(job_id, up_at, fence=fence)
    run.fired(f"Postgres away for {up_at - began:.1f} s, with a lease of {lease:g} s")


def cut_at_commit(run: Run) -> None:
    """COMMIT reaches the server and its answer does not come back: to the api at a submit, to a worker at any time."""
    wire = run.world.link("api", "postgres")
    heard = wire.words_heard
    wire.cut_on(COMMIT)
    job_id = run.submit(steps=100)
    told = [line for line in run.history.of("submit") if line["outcome"] != "ok"]
    by_api = wire.words_heard - heard
    wire.heal()
    link = run.world.link("workers", "postgres")
    heard = link.words_heard
    for _ in range(5):
        link.cut_on(COMMIT, times=run.rng.randrange(1, 3))
        time.sleep(run.rng.uniform(0.1, 1.5))
    run.wait_status(job_id, "succeeded")
    link.heal()
    if not by_api:
        raise NotFired("no COMMIT of the api was cut")
    run.fired(f"{by_api} COMMIT of the api and {link.words_heard - heard} of workers unanswered; {len(told)} not ok")


def blocked(run: Run) -> None:
    """Nobody gets at the jobs for some seconds, while more ask than there are connections: 503, and then as before."""
    undisturbed = [_herd(run) for _ in range(2)][-1]  # the first one makes the api's connections
    connection = psycopg.connect(run.world.postgres.conninfo("patchswap"))
    connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
    locked_at = now()
    with ThreadPoolExecutor(30) as pool:
        lists = [pool.submit(run.customer.insist, "list", "GET", "/v1/jobs", key=f"list-{n}") for n in range(27)]
        jobs = [pool.submit(run.submit, steps=20, key=f"{run.name}-{n}") for n in range(3)]
        time.sleep(run.rng.uniform(7, 10))
        connection.close()
        freed_at = now()
        ids = {each.result(240) for each in jobs}
        run.demand({each.result(240).status_code for each in lists} == {200}, "a list was never answered")
    run.demand(len(ids) == 3, f"{len(ids)} jobs of 3 keys")
    asked = run.history.of("submit", "list")
    refused = [line for line in asked if line["outcome"] == "refused"]
    run.demand(all(line["status"] in (503, 409) for line in refused), str({line["status"] for line in refused}))
    waits = [line["end"] - line["start"] for line in refused]
    for seconds in waits:
        run.figure("refusal_seconds", seconds)
    if not waits:
        raise NotFired("nobody was refused")
    run.figure("undisturbed_seconds", undisturbed)
    allowed = max(1.0, STILL_SECONDS + undisturbed)  # a busy machine takes long for thirty answers, whatever they are
    told = f"p99 of {len(waits)} refusals is {_p99(waits):.2f} s, where {allowed:.2f} s are allowed"
    run.demand(_p99(waits) <= allowed, told)
    run.figure("recovery_seconds", max(line["end"] for line in asked if line["outcome"] == "ok") - freed_at)
    run.fired(f"jobs locked for {freed_at - locked_at:.1f} s, {len(refused)} requests refused")


def _herd(run: Run) -> float:
    """Thirty requests at once; gives the p99 of their seconds."""

    def ask(n: int) -> float:
        asked_at = now()
        run.customer.insist("herd", "GET", "/v1/jobs", key=f"herd-{n}")
        return now() - asked_at

    with ThreadPoolExecutor(30) as pool:
        return _p99(list(pool.map(ask, range(30))))


def _p99(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def _down(run: Run) -> float:
    """Immediate shutdown: no checkpoint, no goodbye; gives when."""
    server = run.world.postgres
    assert server.process
    processes.end(server.process, signal.SIGQUIT)
    return now()


@contextmanager
def _probing(run: Run, job_id: str) -> Iterator[list[float]]:
    """Asks for a job twenty times a second; gives when it was told no, or nothing."""
    failures: list[float] = []
    over = threading.Event()
    customer = Customer(run.world.api.url, run.world.key, run.history, timeout_seconds=10)

    def ask() -> None:
        while not over.wait(PROBE_SECONDS):
            answer = customer.once("probe", "GET", f"/v1/jobs/{job_id}", job=job_id)
            if answer is None or answer.status_code >= 500:
                failures.append(now())
            if answer is not None and answer.status_code >= 500:
                run.demand(answer.status_code == 503 and "Retry-After" in answer.headers, f"{answer.status_code}")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield failures
    finally:
        over.set()
        thread.join(15)
        customer.close()


FAULTS = [
    Fault("F21", "Postgres restarted, -m immediate", restart, production=True, target="api errors 5 s"),
    Fault(
        "F22",
        "Postgres down beyond the lease",
        down_beyond_lease,
        production=True,
        lost_limit=INTERVAL + UPLOADING,
        end_seconds=300,
    ),
    Fault("F23", "connection cut while COMMIT is unanswered", cut_at_commit, lost_limit=2 * INTERVAL),
    Fault("F24", "jobs locked, connections exhausted", blocked, target="503 p99 1 s"),
]
