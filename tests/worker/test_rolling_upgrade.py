"""A deployment is upgraded while jobs run: the worker of the schema before, the api and the schema of today."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from tests.api.serving import caller
from tests.servers.api import ApiServer
from tests.worker import seed
from tests.worker.conftest import ROOT
from tests.worker.processes import Worker, wait_for
from tests.worker.test_app import attempts, uninterrupted, weights


def before_the_newest_migration() -> str:
    """The commit of the last code that knew an older schema."""
    command = ["git", "log", "-1", "--diff-filter=A", "--format=%H", "--", "migrations/versions"]
    added = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    assert added, "this test needs the history of the repository: git fetch --unshallow"
    return f"{added}^"


@pytest.fixture
def old_tree(tmp_path: Path) -> Path:
    tree = tmp_path / "old"
    command = ["git", "archive", before_the_newest_migration()]
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(tree, filter="data")
    return tree


@pytest.fixture
def start_old_worker(version, old_tree, tmp_path, monkeypatch) -> Iterator:
    started = []

    def start() -> Worker:
        with monkeypatch.context() as patch:
            patch.setenv("PYTHONPATH", str(old_tree))
            where = [sys.executable, "-P", "-c", "import worker; print(worker.__file__)"]
            assert str(old_tree) in subprocess.run(where, check=True, capture_output=True, text=True, cwd="/").stdout
            started.append(Worker("train", folder=tmp_path, name="old"))
        return started[-1].wait_until_ready()

    yield start
    for worker in started:
        worker.end()


@pytest.fixture
def http(version, tmp_path) -> Iterator[httpx.Client]:
    """Of today's api, as a process."""
    server = ApiServer(tmp_path)
    server.start()
    yield caller(server.url, "tests").http
    server.stop()


@pytest.mark.slow
def test_jobs_of_an_old_worker_are_handed_to_a_new_one_with_no_step_lost(version, start_old_worker, start_worker, http):
    body = {"dataset": version.id, "training": {"epochs": 2, "pairs_per_batch": 4}}
    slow = {"fake/step_seconds": "0.2", "fake/checkpoint_steps": "100"}

    def page(job_id: str) -> dict:
        return http.get(f"/v1/jobs/{job_id}").raise_for_status().json()

    old = start_old_worker()
    whole = http.post("/v1/jobs", json=body).json()["id"]
    wait_for(lambda: page(whole)["status"] == "succeeded")
    handed_over = http.post("/v1/jobs", json=body | {"labels": slow}).json()["id"]
    wait_for(lambda: page(handed_over)["progress"]["step"] >= 4)
    start_worker()
    assert old.terminate() == 0
    wait_for(lambda: page(handed_over)["status"] == "succeeded")
    assert attempts(seed.read(whole)) == [("old", "succeeded")]
    assert attempts(seed.read(handed_over)) == [("old", "shutdown"), ("worker-0", "succeeded")]
    assert weights(seed.read(handed_over)) == uninterrupted()
