"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from patchswap.client import Client
from patchswap.errors import BadInput
from patchswap.resources import Job
from tests.patchswap.cli.conftest import Run, one_json, patchswap, run  # noqa: F401 - two are fixtures
from tests.patchswap.trackers.conftest import LOSSES, Training


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder)).Reload()


def test_curve_has_all_its_points_with_step_and_time(succeeded: Job, client: Client, tmp_path: Path):
    (exported,) = client.jobs.export_run(succeeded.id, "tensorboard", folder=tmp_path)
    assert exported.run == f"a-b-c-{succeeded.id}"
    points = read(tmp_path / exported.run).Scalars("train/loss")
    assert [point.step for point in points] == [3, 6, 9]
    assert [points[0].value, points[2].value] == [LOSSES[3], LOSSES[9]]
    assert math.isnan(points[1].value)
    attempt = succeeded.attempts[0]
    assert attempt.started_at.timestamp() <= points[0].wall_time <= succeeded.finished_at.timestamp()


def test_figures_stand_at_the_end_and_only_of_files_that_may_be_used(succeeded: Job, client: Client, tmp_path: Path):
    (exported,) = client.jobs.export_run(succeeded.id, "tensorboard", folder=tmp_path)
    found = read(tmp_path / exported.run)
    (accuracy,) = found.Scalars("test/top1_accuracy")
    assert (accuracy.step, accuracy.value) == (9, pytest.approx(0.75))
    assert accuracy.wall_time == pytest.approx(succeeded.finished_at.timestamp())
    assert found.Scalars("onnx_fp32/model_bytes")[0].value == 1234
    assert not [tag for tag in found.Tags()["scalars"] if "int8" in tag]


def test_resolved_spec_stands_in_the_table_of_hyperparameters(succeeded: Job, client: Client, tmp_path: Path):
    (exported,) = client.jobs.export_run(succeeded.id, "tensorboard", folder=tmp_path)
    plugin = read(tmp_path / exported.run).PluginTagToContent(metadata.PLUGIN_NAME)
    told = metadata.parse_session_start_info_plugin_data(plugin[metadata.SESSION_START_INFO_TAG]).hparams
    assert told["seed"].number_value == 7
    assert told["control"].bool_value is False
    assert told["training.epochs"].number_value == succeeded.resolved["training"]["epochs"]
    assert told["exports"].string_value == "[]"
    experiment = metadata.parse_experiment_plugin_data(plugin[metadata.EXPERIMENT_TAG])
    assert "test/top1_accuracy" in {one.name.tag for one in experiment.metric_infos}


def test_text_leads_back_to_the_job(succeeded: Job, client: Client, tmp_path: Path):
    (exported,) = client.jobs.export_run(succeeded.id, "tensorboard", folder=tmp_path)
    (text,) = read(tmp_path / exported.run).Tensors("job/text_summary")
    (told,) = text.tensor_proto.string_val
    assert f"({client.url}/ui/#/jobs/{succeeded.id})" in told.decode()
    assert "| project | line-3 |" in told.decode()


def test_running_job_is_brought_up_to_date_by_a_second_export(
    job: Job, training: Training, client: Client, tmp_path: Path
):
    client.jobs.export_run(job.id, "tensorboard", folder=tmp_path)
    training.trains({12: 1.0})
    time.sleep(1.1)  # files are named by the second
    (exported,) = client.jobs.export_run(job.id, "tensorboard", folder=tmp_path)
    assert len(list((tmp_path / exported.run).iterdir())) == 1
    assert [point.step for point in read(tmp_path / exported.run).Scalars("train/loss")] == [3, 6, 9, 12]


def test_each_started_job_of_a_comparison_is_a_run(client: Client, dataset_id: str, tmp_path: Path):
    comparison = client.comparisons.create(dataset=dataset_id, methods=["patch_swap"], seeds=2)
    with pytest.raises(BadInput, match=r"No job of cmp_.* has started"):
        client.jobs.export_run(comparison.id, "tensorboard", folder=tmp_path)
    first, second, *_ = list(client.jobs.list(comparison=comparison.id))
    for job in (first, second):
        Training(job.id).claim()
    exported = client.jobs.export_run(comparison.id, "tensorboard", folder=tmp_path)
    assert [one.job_id for one in exported] == [second.id, first.id]
    assert {path.name for path in tmp_path.iterdir()} == {one.run for one in exported}


def test_job_that_has_not_started_is_refused(job: Job, client: Client, tmp_path: Path):
    with pytest.raises(BadInput, match="has not started"):
        client.jobs.export_run(job.id, "tensorboard", folder=tmp_path)


def test_command_names_the_run_and_how_to_see_it(succeeded: Job, patchswap: Run, tmp_path: Path):  # noqa: F811
    done = patchswap("export-run", succeeded.id, "--to", "tensorboard")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"a-b-c-{succeeded.id} in runs\n"
    assert "tensorboard --logdir runs" in done.stderr
    assert read(tmp_path / "runs" / f"a-b-c-{succeeded.id}").Scalars("train/loss")
    (told,) = one_json(patchswap("export-run", succeeded.id, "--to", "tensorboard", "--json"))
    assert told == {"job_id": succeeded.id, "tracker": "tensorboard", "place": "runs", "run": f"a-b-c-{succeeded.id}"}
