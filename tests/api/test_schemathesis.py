"""Schemathesis against the running service, all phases: no 5xx, and every answer is what the document says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller, Server, caller
from tests.data import packs
from tests.worker import seed

SECONDS = os.environ.get("SECONDS_OF_FUZZING", "120")  # for each of the two runs
# What a request may be refused with beside the usual, before anything else of it is looked at.
CONFIGURATION = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "410", "412", "413", "415", "422"]
"""
LEFT_OUT = (
    "delete_upload",  # one that was given up can still be looked at, as aborted
    "revoke_api_key",  # it would find its own
    "stream_events",  # has no end
    "stream_job_events",  # has none while its job has none
    "list_job_events",  # waits for up to a minute, which is more than a run may take
)
# Of a sequence: a kept answer would tell of a resource that was deleted since, as if it had just been made.
WITHOUT_KEYS = """
import schemathesis

@schemathesis.hook
def before_call(context, case, **kwargs):
    case.headers.pop("Idempotency-Key", None)
"""
# That the body is of the right shape does not mean that the upload or class it names exists: that is a 422, too.
MEANT = "positive_data_acceptance"


@pytest.fixture
def version(ours: Caller, tmp_path: Path) -> DatasetVersion:
    """One whose pack can be read."""
    manifest = packs.shapes(tmp_path / "pack", counts=(60, 8, 8))
    return seed.version(ours.tenant_id, manifest, (tmp_path / "pack" / "samples.arrow").read_bytes())


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("phases", ["examples,coverage,fuzzing", "stateful"])
def test_every_answer_is_as_documented_whatever_is_asked(
    server: Server, version: DatasetVersion, tmp_path: Path, phases: str
):
    fuzzer = caller(server.url, "ours")
    _, claim = made.running_job(version)
    made.events(claim, 3)
    made.checkpoint(claim)
    made.published_job(version)
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
        f"{server.url}/openapi.json",
        *("--header", f"Authorization: Bearer {fuzzer.key}"),
        *("--phases", phases, "--max-time", SECONDS, "--workers", "1", "--max-response-time", "30"),
        *("--checks", "all", "--exclude-checks", MEANT, "--continue-on-failure", "--no-shrink"),
        *("--suppress-health-check", "all", "--seed", os.environ.get("SEED", "1")),
        *(part for operation in LEFT_OUT for part in ("--exclude-operation-id", operation)),
    ]
    environment = dict(os.environ)
    if phases == "stateful":
        (tmp_path / "without_keys.py").write_text(WITHOUT_KEYS)
        environment |= {"SCHEMATHESIS_HOOKS": "without_keys", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)
    print(done.stdout[-20_000:], done.stderr[-5_000:])
    assert done.returncode == 0
