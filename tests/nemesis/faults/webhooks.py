"""A webhook's receiver that is down, slow, answers 500 or cuts its answers, while those who tell it are killed."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.nemesis.faults.processes import send, tree
from tests.nemesis.run import TERMINAL, Fault, NotFired, Run, now
from tests.nemesis.world import SHORT, wait_for
from tests.servers.receiver import Manner, Receiver

TIMEOUT_SECONDS = 2
TROUBLE_SECONDS = 15.0
EVENTS = [f"job.{status}" for status in sorted(TERMINAL)]
SETTINGS = {"WEBHOOK_TIMEOUT": str(TIMEOUT_SECONDS), "WEBHOOK_RETRY": "0.5", "webhook_allow_private": "true"}
TROUBLE = [
    Manner(status=500),
    Manner(status=503, body=b"x" * 100_000),
    Manner(after_seconds=TIMEOUT_SECONDS + 1),
    Manner(after_seconds=TIMEOUT_SECONDS * 0.7),
    Manner(cut="silent"),
    Manner(cut="half"),
    Manner(),
]


def receiver_in_trouble(run: Run) -> None:
    """Every end of a job is accepted at least once in the end, and what is called delivered was accepted."""
    receiver = Receiver()
    path = _subscribe(run, receiver)
    try:
        with _trouble(run, receiver) as killed:
            jobs = [run.submit(steps=20) for _ in range(6)]
            cancelled = run.submit(steps=200, expects=["cancelled"])
            run.customer.ask("cancel", cancelled, key=f"{run.name}-cancel")
            run.wait_ends(seconds=run.fault.end_seconds)
            threading.Event().wait(run.rng.uniform(0.5, 1) * TROUBLE_SECONDS)
        peace_at = now()
        rows = _settled(run, path)
        run.figure("seconds_after_trouble", now() - peace_at)
        _judge(run, receiver, rows, [*jobs, cancelled])
        if not killed:
            raise NotFired("no worker was at a message when it should have been killed")
        tried = sum(row["fence"] for row in rows)
        run.fired(f"{len(killed)} workers killed -9 at a message; {tried} claims for {len(rows)} messages")
    finally:
        run.customer.insist("unsubscribe", "DELETE", path, key=f"{run.name}-unsubscribe")
        receiver.down()


def _subscribe(run: Run, receiver: Receiver) -> str:
    body = {"url": receiver.url, "events": EVENTS}
    created = run.customer.insist("subscribe", "POST", "/v1/webhooks", body=body, key=f"{run.name}-hook").json()
    receiver.secrets.append(created["secret"])
    return str(created["links"]["self"])


@contextmanager
def _trouble(run: Run, receiver: Receiver) -> Iterator[list[int]]:
    """Until it is left; gives the list of the workers that were killed."""
    over, killed = threading.Event(), list[int]()
    drawn = random.Random(f"{run.name} trouble")
    receiver.manner = lambda: drawn.choice(TROUBLE)
    threads = [
        threading.Thread(target=_come_and_go, args=(receiver, over, random.Random(f"{run.name} down"))),
        threading.Thread(target=_kill, args=(run, receiver, over, killed)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield killed
    finally:
        over.set()
        for thread in threads:
            thread.join()
        receiver.up()
        receiver.manner = Manner()


def _come_and_go(receiver: Receiver, over: threading.Event, drawn: random.Random) -> None:
    while not over.wait(drawn.uniform(1, 4)):
        receiver.down()
        over.wait(drawn.uniform(0.5, 2))
        receiver.up()


def _kill(run: Run, receiver: Receiver, over: threading.Event, killed: list[int]) -> None:
    """Workers that have just been answered, or are about to be: the moments at which a message is sent twice."""
    drawn, seen = random.Random(f"{run.name} kill"), 0
    while not over.wait(0.005):
        if len(receiver.messages) == seen:
            continue
        seen = len(receiver.messages)
        holders = run.world.rows("SELECT worker FROM webhook_deliveries WHERE status = 'running'")
        for worker in filter(None, (run.world.fleet.named(row["worker"]) for row in holders)):
            if worker.process.poll() is None and drawn.random() < 0.5:
                killed.append(worker.process.pid)
                send(tree(worker), signal.SIGKILL)


def _settled(run: Run, path: str) -> list[dict[str, Any]]:
    """The rows of this webhook, once none is under way."""
    statement = "SELECT * FROM webhook_deliveries WHERE webhook_id = %s"

    def look() -> list[dict[str, Any]] | None:
        rows = run.world.rows(statement, path.rpartition("/")[2])
        return rows if {row["status"] for row in rows} <= {"succeeded", "failed"} else None

    return list(wait_for(look, seconds=180, what="every message at its end"))


def _judge(run: Run, receiver: Receiver, rows: list[dict[str, Any]], jobs: list[str]) -> None:
    accepted = Counter(message.id for message in receiver.accepted)
    ends = {row["data"]["id"]: row for row in rows}
    for job_id in jobs:
        row, status = ends.get(job_id), run.job(job_id)["status"]
        run.demand(row is not None and row["type"] == f"job.{status}", f"{job_id} is {status}, and owed is {row}")
    run.demand(len(rows) == len(jobs), f"{len(rows)} messages are owed for the ends of {len(jobs)} jobs")
    for row in rows:
        run.demand(row["status"] == "succeeded", f"{row['id']} is {row['status']}: {row['answer']}")
        run.demand(accepted[row["id"]] >= 1, f"{row['id']} is called delivered, and its receiver never accepted it")
    foreign = {message.id for message in receiver.messages} - {row["id"] for row in rows}
    run.demand(not foreign, f"messages that nobody owed: {foreign}")
    run.demand(all(message.genuine for message in receiver.messages), "a signature was wrong")
    run.figure("delivered_share", sum(bool(accepted[row["id"]]) for row in rows) / len(jobs))
    run.figure("duplicate_share", sum(accepted.values()) / max(1, len(accepted)) - 1)
    run.figure("requests_per_message", len(receiver.messages) / len(rows))


FAULTS = [
    Fault(
        "F43",
        "a webhook's receiver down, slow, 500 or cut, its workers killed",
        receiver_in_trouble,
        settings=SHORT | SETTINGS,
        short_workers=2,
        expects=frozenset({"succeeded"}),
    )
]
