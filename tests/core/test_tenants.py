"""`python -m core.tenants`: what whoever runs the service types, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
import pytest

from core.database.database import transaction
from core.jobs import ledger
from tests.api import made
from tests.api.serving import Server
from tests.worker import seed


def tenants(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "core.tenants", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ))


def told(*arguments: str) -> dict:
    done = tenants("--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("database")
def test_tenant_is_created_suspended_and_resumed():
    made_one = told("create", "line 3")
    again = tenants("create", "line 3")
    assert (again.returncode, again.stdout) == (1, "")
    assert "A tenant of this name exists" in again.stderr
    version = seed.version(made_one["tenant_id"])
    job, claim = made.running_job(version)
    with Server() as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {made_one['api_key']}"
        assert http.get("/v1/jobs").status_code == 200
        assert http.get("/metrics").status_code == 403
        assert told("suspend", "line 3", "--reason", "unpaid since May")["pausing"] == [job.id]
        refused = http.get("/v1/jobs")
        assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")
        assert "suspended: unpaid since May." in refused.json()["detail"]
        assert "suspended since" in tenants("list").stdout
        assert "still save a checkpoint" in tenants("resume", "line 3").stderr
        with transaction() as session:
            ledger.end(session, claim, "paused", reason="paused by request")
        assert told("resume", "line 3") == {"tenant_id": made_one["tenant_id"], "resumed": [job.id], "refused": {}}
        assert http.get(f"/v1/jobs/{job.id}").json()["status"] == "queued"
        operator = told("operator-key")["api_key"]
        http.headers["Authorization"] = f"Bearer {operator}"
        assert http.get("/metrics").status_code == 200
        assert http.get("/v1/jobs").status_code == 403
    lines = tenants("usage", "--group", "tenant").stdout.splitlines()
    assert lines[0].startswith("tenant,jobs,attempts,wall_seconds")
    assert lines[1].startswith("line 3,1,1,")
