"""A comparison trained for real: digits, the embedded service, the trainer; then what its table says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

from patchswap import Client
from patchswap.demo import digits
from tests.servers.up import Up

SPEC = {"recipe": "resnet20_short", "training": {"epochs": 2, "image_size": 16}}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_methods_are_trained_on_one_budget_and_compared_by_seed(data_dir: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    up = Up(data_dir)
    up.wait_until_ready()
    with Client(up.url, up.client["api_key"]) as client:
        digits.write(tmp_path / "digits.zip")
        dataset = client.datasets.push(tmp_path / "digits.zip", name="digits").wait(timeout_seconds=120)
        asked = {"dataset": dataset.id, "methods": ["patch_swap"], "spec": SPEC}
        equal = client.comparisons.create(asked, seeds=[4, 5])
        literature = client.comparisons.create(asked, seeds=1, budget="epochs")
        equal, literature = equal.wait(timeout_seconds=600), literature.wait(timeout_seconds=200)
        assert (equal.status, literature.status) == ("succeeded", "succeeded")

        measured = {(job.method, job.seed): client.jobs.evaluation(job.id)["main"] for job in equal.jobs}
        accuracy = {key: one["splits"]["test"]["top1_accuracy"] for key, one in measured.items()}
        control, ours = equal.table.rows
        assert control.top1_accuracy_by_seed == {seed: accuracy["cross_entropy", seed] for seed in (4, 5)}
        assert ours.top1_accuracy_by_seed == {seed: accuracy["patch_swap", seed] for seed in (4, 5)}
        pairs = [[accuracy[method, seed] for seed in (4, 5)] for method in ("patch_swap", "cross_entropy")]
        assert ours.difference.p_value == pytest.approx(stats.ttest_rel(*pairs).pvalue)
        # 100 training images in batches of 32 anchors: 3 steps of 64 images an epoch
        assert {one["images_seen"] for one in measured.values()} == {2 * 3 * 64}
        assert [row.images_seen for row in literature.table.rows] == [3 * 64, 2 * 3 * 64]
        assert client.models.exports(equal.jobs[0].model_id) == ()
        assert client.comparisons.save_table(equal.id, tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert up.stop() == 0
