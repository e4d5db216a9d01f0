"""A running job outlives the service that runs it: stopped in order or cut off, the next `up` goes on with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patchswap import Client, Job
from patchswap.demo import digits
from tests.servers.up import Up, eventually, running_of

# Long enough to be met while it trains, and a checkpoint every second.
SPEC = {"recipe": "resnet20_short", "training": {"epochs": 60, "checkpoint_every_seconds": 1}, "exports": []}


def connect(up: Up) -> Client:
    return Client(up.url, up.client["api_key"])


def start_job(client: Client, folder: Path) -> Job:
    archive = folder / "digits.zip"
    digits.write(archive)
    dataset = client.datasets.push(archive, name="digits").wait(timeout_seconds=120)
    return client.jobs.create(SPEC, dataset=dataset.id)


def newest_checkpoint(job: Job) -> int:
    """The step of the newest checkpoint, 0 before the first."""
    assert not job.refresh().is_over, f"the job was over before it could be disturbed: {job}"
    return max((checkpoint.step for checkpoint in job.checkpoints()), default=0)


def steps_where_training_began(job: Job) -> list[int]:
    told = [event.data["message"] for event in job.events() if event.data.get("code") == "training_started"]
    return [int(found.group(1)) if (found := re.search(r"continues at step (\d+)", text)) else 0 for text in told]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_running_job_goes_on_from_its_checkpoint_at_the_next_up(data_dir: Path, tmp_path, monkeypatch, end: str):
    monkeypatch.setenv("PATCHSWAP_LEASE_SECONDS", "6")
    monkeypatch.setenv("PATCHSWAP_HEARTBEAT_SECONDS", "1")
    monkeypatch.setenv("PATCHSWAP_SWEEP_SECONDS", "1")
    first = Up(data_dir)
    first.wait_until_ready()
    with connect(first) as client:
        job = start_job(client, tmp_path)
        assert eventually(lambda: newest_checkpoint(job) > 0, seconds=200)
        known = newest_checkpoint(job)
    if end == "stopped":
        assert first.stop() == 0
    else:
        first.process.kill()
        first.process.communicate()
    assert eventually(lambda: not running_of(data_dir), seconds=10)

    second = Up(data_dir)
    second.wait_until_ready()
    with connect(second) as client:
        done = client.jobs.get(job.id).wait(timeout_seconds=300)
        first_step, second_step = steps_where_training_began(done)
    assert done.status == "succeeded", done.error
    assert len(done.attempts) == 2
    assert first_step == 0
    assert second_step >= known > 0
    assert second.stop() == 0
