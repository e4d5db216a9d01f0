"""`python -m api` as a process: it starts, streams, and ends in order at SIGTERM."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import httpx

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller, caller
from tests.servers import processes
from tests.worker import seed

ROOT = Path(__file__).parents[2]


def test_streams_are_ended_without_end_when_the_process_stops(database: str, tmp_path: Path):
    port = processes.spare_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path / "api.log"
    process = processes.start([sys.executable, "-m", "api", "--port", str(port)], log=log)
    processes.wait_until_ready(process, lambda: answers(f"{url}/readyz"), log=log, seconds=60)
    who = caller(url, "ours")
    job, _ = made.running_job(_version(who))
    with who.http.stream("GET", f"/v1/jobs/{job.id}/events/stream") as response:
        lines = response.iter_lines()
        assert next(lines) == ": open"
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        rest = "\n".join(lines)  # ends, because the server ends it
    assert "event: end" not in rest  # the job goes on: a client comes back
    assert process.wait(10) in (0, -signal.SIGTERM)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert who.key not in log.read_text()
    assert {record["level"] for record in records} == {"info"}


def _version(who: Caller) -> DatasetVersion:
    return seed.version(who.tenant_id)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
