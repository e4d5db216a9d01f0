"""Runs in a folder of MLflow, read back by MLflow's own client. A real server: run_mlflow_server.py."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from mlflow import MlflowClient

from core.database.database import transaction
from core.tables import JobMetric
from patchswap.client import Client
from patchswap.errors import BadInput, PatchswapError
from patchswap.resources import Job
from tests.patchswap.trackers.conftest import Training
from tests.servers.processes import spare_port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mlruns"


@pytest.fixture
def mlflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return MlflowClient(tracking_uri=folder.as_uri())


def runs(mlflow: MlflowClient) -> list:
    experiment = mlflow.get_experiment_by_name("patchswap")
    return mlflow.search_runs([experiment.experiment_id])


def steps(mlflow: MlflowClient, run_id: str) -> list[int]:
    return sorted(point.step for point in mlflow.get_metric_history(run_id, "train.loss"))


def test_run_has_curves_settings_figures_labels_and_the_way_back(
    succeeded: Job, client: Client, folder: Path, mlflow: MlflowClient
):
    (exported,) = client.jobs.export_run(succeeded.id, "mlflow", folder=folder)
    (run,) = runs(mlflow)
    assert (run.info.run_id, run.info.run_name, run.info.status) == (exported.run, "a/b c", "FINISHED")
    assert run.info.end_time == round(succeeded.finished_at.timestamp() * 1000)
    points = sorted(mlflow.get_metric_history(exported.run, "train.loss"), key=lambda point: point.step)
    assert [(point.step, point.value) for point in points if not math.isnan(point.value)] == [(3, 2.5), (9, 1.25)]
    assert [point.step for point in points if math.isnan(point.value)] == [6]
    assert run.info.start_time <= points[0].timestamp <= run.info.end_time
    assert (run.data.metrics["test.top1_accuracy"], run.data.metrics["onnx_fp32.model_bytes"]) == (0.75, 1234)
    assert not [name for name in run.data.metrics if "int8" in name]
    assert (run.data.params["seed"], run.data.params["model.architecture"]) == ("7", "resnet20")
    assert (run.data.tags["project"], run.data.tags["note"]) == ("line-3", "")
    assert run.data.tags["patchswap.url"] == f"{client.url}/ui/#/jobs/{succeeded.id}"


def test_second_export_adds_what_is_new_to_the_same_run(
    job: Job, training: Training, client: Client, folder: Path, mlflow: MlflowClient
):
    (first,) = client.jobs.export_run(job.id, "mlflow", folder=folder)
    assert runs(mlflow)[0].info.status == "RUNNING"
    training.trains({12: 1.0})
    training.end("failed")
    (second,) = client.jobs.export_run(job.id, "mlflow", folder=folder)
    assert second.run == first.run
    assert runs(mlflow)[0].info.status == "FAILED"
    assert steps(mlflow, first.run) == [3, 6, 9, 12]


def test_job_that_was_trained_anew_gets_a_run_of_its_own(
    job: Job, training: Training, client: Client, folder: Path, mlflow: MlflowClient
):
    (first,) = client.jobs.export_run(job.id, "mlflow", folder=folder)
    with transaction() as session:
        session.query(JobMetric).delete()
    training.trains({3: 2.0})
    (second,) = client.jobs.export_run(job.id, "mlflow", folder=folder)
    assert second.run != first.run
    assert (steps(mlflow, first.run), steps(mlflow, second.run)) == ([3, 6, 9], [3])


def test_experiment_is_named_by_the_caller(succeeded: Job, client: Client, folder: Path, mlflow: MlflowClient):
    client.jobs.export_run(succeeded.id, "mlflow", folder=folder, experiment="pets")
    assert mlflow.get_experiment_by_name("pets") is not None
    assert mlflow.get_experiment_by_name("patchswap") is None


def test_server_that_is_away_is_named(succeeded: Job, client: Client):
    server = f"http://127.0.0.1:{spare_port()}"
    with pytest.raises(PatchswapError, match=f"MLflow at {server} did not take the run"):
        client.jobs.export_run(succeeded.id, "mlflow", server=server)


@pytest.mark.parametrize(("to", "folder"), [("tensorboard", None), ("mlflow", "here")])
def test_server_is_mlflows_and_instead_of_a_folder(job: Job, client: Client, to: str, folder: str | None):
    with pytest.raises(BadInput, match="takes the place of the folder"):
        client.jobs.export_run(job.id, to, folder=folder, server="http://127.0.0.1")
