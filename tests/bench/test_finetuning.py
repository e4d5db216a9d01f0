"""The bench of fine-tuning on archives of its own: what it runs, that it goes on where it stopped, what it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import plain
from bench.finetuning_plan import ARMS, DEFAULT, PLAIN, SCRATCH, runs
from bench.finetuning_runs import Record, Timing
from bench.finetuning_tables import BEGIN, END, Published, publish, read, tables
from contract import weights
from contract.specs import plan
from tests.contract.specs.test_resolution import manifest
from tests.ingest.archives import folders, zipped

ROOT = Path(__file__).parents[2]
PHOTOGRAPHS = {
    "encoding": "encoded",
    "channels": 3,
    "image_size": None,
    "median_size": (192, 192),
    "mean": [0.5] * 3,
    "std": [0.2] * 3,
}


def record(arm: str, seed: int, test: float, dataset: str = "clothing") -> Record:
    return Record(
        key=f"{arm}{seed}",
        dataset=dataset,
        arm=arm,
        seed=seed,
        digest="d",
        epochs=4,
        side_px=160,
        images_seen=8_000,
        cpu_seconds=300,
        val=test,
        test=test,
    )


def test_the_arms_of_a_seed_see_as_many_images_and_have_keys_of_their_own() -> None:
    pack = manifest(**PHOTOGRAPHS)
    found = runs("clothing", pack, seeds=range(2), epochs=3, scratch_share=4.0)
    assert [(run.arm, run.seed) for run in found] == [(arm, seed) for seed in range(2) for arm in ARMS]
    assert len({run.key for run in found}) == 6
    ours, script, scratch = found[:3]
    assert plan(ours.spec, pack).steps == plan(script.spec, pack).steps
    assert ours.spec.training.epochs == 3
    assert scratch.spec.training.epochs == 12
    assert scratch.spec.model.pretrained is None
    if "wts_efficientnet_lite0_in1k" in weights.installed():
        assert ours.spec.model.pretrained == "wts_efficientnet_lite0_in1k"


def test_the_plain_script_is_not_run_again_because_our_recipe_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    from contract.specs.recipes import fine_tuning  # noqa: PLC0415

    pack = manifest(**PHOTOGRAPHS)
    before = {run.arm: run.key for run in runs("clothing", pack, seeds=[0], epochs=3, scratch_share=1.0)}
    monkeypatch.setitem(fine_tuning.METHOD, "classification", {"name": "label_smoothing", "smoothing": 0.1})
    after = {run.arm: run.key for run in runs("clothing", pack, seeds=[0], epochs=3, scratch_share=1.0)}
    assert after[PLAIN] == before[PLAIN]
    assert after[DEFAULT] != before[DEFAULT]


def test_the_plain_script_learns() -> None:
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    labels = np.arange(32) % 2
    images = (np.full((32, 8, 8, 3), 40) + 150 * labels[:, None, None, None]).astype(np.uint8)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    data = plain.Photographs(images, labels, [0.5] * 3, [0.25] * 3)
    assert len(list(plain.steps(model, data, count=40, batch=8, seed=0))) == 40
    shown = torch.stack([data[index][0] for index in range(32)])
    assert (model(shown).argmax(dim=1) == torch.from_numpy(labels)).float().mean() > 0.9


def test_tables_show_each_arm_and_which_targets_are_met(tmp_path: Path) -> None:
    records = [record(DEFAULT, s, 0.85) for s in range(2)] + [record(PLAIN, s, 0.84 + 0.005 * s) for s in range(2)]
    records += [record(SCRATCH, 0, 0.70)]
    timing = Timing(step_to_plain=1.2, feed_share=0.05, seconds=1.0, images=32)
    text = tables(Published(machine="a machine", timing=timing, records=records))
    assert "| clothing | default recipe | 2 | 160 | 4 | 8,000 | 300 | 85.0 | +0.8 (" in text
    assert "| default - plain, worst dataset, points | >= -1 | 0.75 | yes |" in text
    assert "| default - from scratch, worst dataset, points | >= 20 | 15.00 | no |" in text
    assert "plain script's | <= 1.05 | 1.20 | no |" in text
    page = tmp_path / "finetuning.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    publish(tmp_path, Published(machine="a machine", timing=timing, records=records))
    assert page.read_text().startswith(f"before\n{BEGIN}\n\n| dataset |")
    assert page.read_text().endswith(f"{END}\nafter\n")


def published(docs: Path) -> list[tuple[str, str]]:
    return [(one.dataset, one.arm) for one in read(docs).records]


@pytest.mark.slow
def test_the_command_runs_skips_loudly_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hand_signs.zip").write_bytes(zipped(folders({"a": 40, "b": 40})))
    (tmp_path / "finetuning.md").write_text(f"{BEGIN}\n{END}\n")
    command = [sys.executable, "bench/finetuning.py", "--data", tmp_path / "data", "--folder", tmp_path / "runs"]
    command += ["--docs", tmp_path, "--seeds", "1", "--epochs", "1", "--only", "hand_signs", "groceries"]
    first = subprocess.run([*command, "--minutes", "0"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert first.returncode == 1
    assert "SKIPPED groceries" in first.stderr
    assert "3 runs are missing" in first.stderr
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert second.stdout.count("seed 0: test") == 3
    command[command.index("--folder") + 1] = tmp_path / "elsewhere"  # what was published is enough
    third = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert third.returncode == 0
    assert third.stdout == ""
    before = published(tmp_path)
    fourth = subprocess.run([*command, "--arms", PLAIN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert fourth.returncode == 0
    assert published(tmp_path) == before, "to ask for one arm takes nothing away from the others"
