"""A run on a real tracking server of MLflow with a database: `make test-trackers`.

Not collected by `make test`: a server is 600 MB of packages, which get an environment of their own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from patchswap.client import Client
from patchswap.errors import PatchswapError
from patchswap.resources import Job
from tests.patchswap.trackers.conftest import Training
from tests.servers.processes import end, spare_port, start, wait_until_ready
from tests.shipping.environments import clean

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="session")
def mlflow_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the client's own version."""
    folder = tmp_path_factory.mktemp("mlflow")
    uv = [sys.executable, "-m", "uv"]
    packages = f"mlflow=={version('mlflow-skinny')}"
    subprocess.run([*uv, "venv", "--quiet", str(folder)], check=True, env=clean())
    install = [*uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), packages]
    subprocess.run(install, check=True, env=clean())
    return folder / "bin" / "mlflow"


@pytest.fixture(scope="session")
def server(mlflow_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    url = f"http://127.0.0.1:{(port := spare_port())}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--default-artifact-root", str(folder)]
    quiet = ["env", "MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"]
    command = [
        *quiet,
        str(mlflow_program),
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        *store,
    ]
    process = start(command, log=folder / "log")

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    wait_until_ready(process, answers, log=folder / "log", seconds=600)
    yield url
    end(process, signal.SIGTERM)


def ask(server: str, path: str, **params: str) -> dict:
    answer = httpx.get(f"{server}/api/2.0/mlflow/{path}", params=params, timeout=30)
    answer.raise_for_status()
    return answer.json()


def history(server: str, run_id: str, key: str) -> list[tuple[int, float]]:
    points = ask(server, "metrics/get-history", run_id=run_id, metric_key=key)["metrics"]
    return sorted((int(point["step"]), point["value"]) for point in points)


def test_run_arrives_with_all_it_has(succeeded: Job, client: Client, server: str):
    (exported,) = client.jobs.export_run(succeeded.id, "mlflow", server=server)
    run = ask(server, "runs/get", run_id=exported.run)["run"]
    params = {each["key"]: each["value"] for each in run["data"]["params"]}
    tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
    metrics = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert (run["info"]["run_name"], run["info"]["status"]) == ("a/b c", "FINISHED")
    assert (params["seed"], tags["project"], tags["patchswap.job"]) == ("7", "line-3", succeeded.id)
    assert metrics["test.top1_accuracy"] == 0.75
    assert [step for step, _ in history(server, exported.run, "train.loss")] == [3, 6, 9]


def test_second_export_adds_points_once(job: Job, training: Training, client: Client, server: str):
    (first,) = client.jobs.export_run(job.id, "mlflow", server=server)
    training.trains(dict.fromkeys(range(10, 3000), 1.0))  # more than one call takes
    (second,) = client.jobs.export_run(job.id, "mlflow", server=server)
    assert second.run == first.run
    kept = ask(server, "metrics/get-history", run_id=first.run, metric_key="train.loss", max_results="5000")["metrics"]
    assert sorted(int(point["step"]) for point in kept) == [3, 6, 9, *range(10, 3000)]


def test_refusal_of_the_server_is_one_sentence(succeeded: Job, client: Client, server: str):
    with pytest.raises(PatchswapError, match="did not take the run") as raised:
        client.jobs.export_run(succeeded.id, "mlflow", server=server, experiment="x" * 600)
    assert "\n" not in str(raised.value)
