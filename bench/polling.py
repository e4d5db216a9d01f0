"""`GET /v1/jobs/{id}` polled by 32 clients, against a bare ping of the same process polled by as many."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import load
import population
import psutil
import psycopg
import serving
from figures import Figure
from serving import Api

CLIENTS = 32
ROUNDS, QUICK_ROUNDS = 9, 2
SECONDS, QUICK_SECONDS = 2.0, 0.3
BODY_GOAL, NOT_MODIFIED_GOAL = 0.35, 0.6
PING, CEILING = "ping", "ceiling"
LABELS = {
    "body, one job": BODY_GOAL,
    "body, 32 jobs": BODY_GOAL,
    "304, one job": NOT_MODIFIED_GOAL,
    "304, 32 jobs": NOT_MODIFIED_GOAL,
}
LIVE = "body, 32 jobs, each written once a second"

Round = dict[str, dict[str, Any]]


def measure(*, quick: bool) -> list[Figure]:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    with serving.running() as api, _canned_server(len(_body(api, _load_jobs(api)[0]))) as ceiling_port:
        _round(api, ceiling_port, seconds=QUICK_SECONDS)  # the first is for caches and connections
        found = [_round(api, ceiling_port, seconds=seconds) for _ in range(rounds)]
    return [_told(found), *(_compared(found, label, goal) for label, goal in LABELS.items()), _compared(found, LIVE)]


def _round(api: Api, ceiling_port: int, *, seconds: float) -> Round:
    """Every kind of request in turn, the ping in the middle of them."""
    requests = _requests(api, _job_ids())
    found = {CEILING: load.run(ceiling_port, requests[PING], seconds=seconds)}
    for name, texts in requests.items():
        found[name] = _load(api, texts, seconds=seconds)
    with _writing(api):
        found[LIVE] = _load(api, requests["body, 32 jobs"], seconds=seconds)
    for name, result in found.items():
        wanted = "304" if name.startswith("304") else "200"
        if set(result["statuses"]) != {wanted}:
            raise AssertionError(f"{name}: answers {result['statuses']}, wanted {wanted} only")
    return found


def _load(api: Api, requests: Sequence[str], *, seconds: float) -> dict[str, Any]:
    """What the load process measured, and the api's own processor time, which other people's work moves less."""
    before = _processor_seconds(api)
    found = load.run(api.port, requests, seconds=seconds)
    spent = _processor_seconds(api) - before
    return found | {"cpu_ms": spent * 1e3 / sum(found["statuses"].values())}


def _processor_seconds(api: Api) -> float:
    times = psutil.Process(api.pid).cpu_times()
    return float(times.user + times.system)


def _requests(api: Api, job_ids: Sequence[str]) -> dict[str, list[str]]:
    """One request text for each client, by what is measured."""
    key = {"Authorization": api.authorization}
    tags = {job_id: _entity_tag(api, job_id) for job_id in job_ids}

    def polls(ids: Sequence[str], *, conditional: bool) -> list[str]:
        return [
            load.get(f"/v1/jobs/{job_id}", **key, **({"If_None_Match": tags[job_id]} if conditional else {}))
            for job_id in ids
        ]

    one = [job_ids[0]] * CLIENTS
    return {
        "body, one job": polls(one, conditional=False),
        "body, 32 jobs": polls(job_ids, conditional=False),
        PING: [load.get("/healthz", **key)] * CLIENTS,
        "304, one job": polls(one, conditional=True),
        "304, 32 jobs": polls(job_ids, conditional=True),
    }


def _job_ids() -> list[str]:
    return [population.job_id(number) for number in range(1, CLIENTS + 1)]


def _load_jobs(api: Api) -> list[str]:
    """Running jobs whose lease outlasts the measurement."""
    job_ids = _job_ids()
    population.load(api.database, population.Population(CLIENTS))
    with psycopg.connect(api.database, autocommit=True) as connection:
        connection.execute(
            "UPDATE jobs SET tenant_id = %s, status = 'running', phase = 'train', worker = 'bench', "
            "updated_at = now(), lease_expires_at = now() + interval '1 day', finished_at = NULL WHERE id = ANY(%s)",
            [api.tenant_id, job_ids],
        )
    return job_ids


def _body(api: Api, job_id: str) -> bytes:
    body: bytes = _open(api, job_id).read()
    return body


def _entity_tag(api: Api, job_id: str) -> str:
    return str(_open(api, job_id).headers["ETag"])


def _open(api: Api, job_id: str) -> Any:
    url = f"http://127.0.0.1:{api.port}/v1/jobs/{job_id}"
    return urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": api.authorization}), timeout=10)


@contextmanager
def _canned_server(size: int) -> Iterator[int]:
    command = [sys.executable, "-P", load.__file__, "--answer", str(size)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is None:
            raise AssertionError("the server's output is a pipe")
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


@contextmanager
def _writing(api: Api) -> Iterator[None]:
    """What 32 workers do meanwhile: every job's progress is written once a second."""
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(api.database, autocommit=True) as connection:
            step = 0
            while not over.wait(1 / CLIENTS):
                job_id, step = _job_ids()[step % CLIENTS], step + 1
                progress = json.dumps({"epoch": 1, "epochs": 30, "step": step, "steps": 1000, "images_per_second": 900})
                connection.execute(
                    "UPDATE jobs SET progress = %s, updated_at = now() WHERE id = %s", [progress, job_id]
                )

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _told(rounds: Sequence[Round]) -> Figure:
    """The two reference rates, without a goal."""
    ping, ceiling = _per_second(rounds, PING), _per_second(rounds, CEILING)
    return Figure(
        f"bare ping by {CLIENTS} clients",
        f"{ping:,.0f}/s, {_latency(rounds, PING)} (the load generator's own ceiling is {ceiling:,.0f}/s)",
        values={"ping_per_second": ping, "ceiling_per_second": ceiling},
    )


def _compared(rounds: Sequence[Round], label: str, goal: float | None = None) -> Figure:
    """The median over rounds of this rate by the same round's ping."""
    ratio = statistics.median(one[label]["per_second"] / one[PING]["per_second"] for one in rounds)
    by_processor = statistics.median(one[PING]["cpu_ms"] / one[label]["cpu_ms"] for one in rounds)
    return Figure(
        f"GET /v1/jobs/{{id}}, {label}",
        f"{ratio:.2f}x of a ping ({_per_second(rounds, label):,.0f}/s, {_latency(rounds, label)}; "
        f"{by_processor:.2f}x by the api's processor time)",
        "" if goal is None else f">= {goal:g}x",
        None if goal is None else ratio >= goal,
        {"ratio": ratio, "ratio_by_processor_time": by_processor, "rounds": [one[label] for one in rounds]},
    )


def _per_second(rounds: Sequence[Round], label: str) -> float:
    return statistics.median(one[label]["per_second"] for one in rounds)


def _latency(rounds: Sequence[Round], label: str) -> str:
    p50, p99 = (statistics.median(one[label][name] for one in rounds) for name in ("p50_ms", "p99_ms"))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
