"""`patchswap up --train-workers N --threads M`: jobs side by side, by trainers that a warm process forks."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from patchswap import Client
from patchswap.demo import digits
from patchswap.local.up import Crew
from tests.servers.up import CHILDREN, Up, command_line, eventually, running_of

SPEC = {"recipe": "resnet20_short", "training": {"epochs": 200}, "exports": [], "control": False}


@pytest.mark.parametrize(
    ("crew", "threads"),
    [(Crew(), None), (Crew(1, 3), "3"), (Crew(2, 3), "3"), (Crew(10_000), "1"), (Crew(2), "half")],
)
def test_cores_are_divided_among_workers_where_nothing_is_said(crew: Crew, threads: str | None):
    half = str(max(1, (os.cpu_count() or 1) // 2))
    assert crew.environment.get("OMP_NUM_THREADS") == (half if threads == "half" else threads)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_jobs_train_at_once_on_so_many_threads(data_dir: Path, tmp_path: Path):
    up = Up(data_dir, "--train-workers", "2", "--threads", "1")
    up.wait_until_ready()
    try:
        parts = psutil.Process(up.process.pid).children()
        workers = [one for one in parts if CHILDREN["worker-train"] in " ".join(command_line(one))]
        assert [one.environ()["OMP_NUM_THREADS"] for one in workers] == ["1", "1"]
        with Client(up.url, up.client["api_key"]) as client:
            digits.write(tmp_path / "digits.zip")
            dataset = client.datasets.push(tmp_path / "digits.zip", name="digits").wait(timeout_seconds=300)
            jobs = [client.jobs.create(SPEC, dataset=dataset.id) for _ in range(2)]

            def both_train() -> bool:
                return all(job.refresh().progress.step > 0 and job.refresh().status == "running" for job in jobs)

            assert eventually(both_train, seconds=400)
            for job in jobs:
                job.cancel()
    finally:
        assert up.stop() == 0
    assert eventually(lambda: not running_of(data_dir), seconds=10)
