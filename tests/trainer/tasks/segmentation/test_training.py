"""Segmentation through the loop: bitwise resume, evaluation with its report, and that it learns."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.results.evaluation import Evaluation
from contract.specs import ResolvedSpec, parse, resolve
from tests.data import masked
from tests.trainer.runs import run_here
from trainer.data.pack import Pack, open_pack
from trainer.evaluation import evaluate
from trainer.machine import device

METHODS = ["cross_entropy", "patch_swap_only", "patch_swap", "copy_paste"]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("shapes")
    masked.shapes(folder, size=32, counts=(8, 4, 4))
    return open_pack(folder)


def spec_for(pack: Pack, *, epochs: int = 2, pairs: int = 2, **changes: Any) -> ResolvedSpec:
    training = {"epochs": epochs, "pairs_per_batch": pairs, "checkpoint_every_seconds": 0.1}
    adam = {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine"}
    body = {"dataset": "dsv_test", "training": training, "optimizer": adam} | changes
    return resolve(parse(body), pack.manifest)[0]


def test_a_killed_run_resumes_to_the_same_weights(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("trainer.training.pacing.Clock.checkpoint_due", lambda *_: True)
    spec = spec_for(pack)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_here(spec, pack, whole)
    said = run_here(spec, pack, parts, stop_at=3)
    assert said[-1].type == "stopped"
    run_here(spec, pack, parts)
    weights = [(folder / "main" / "model.safetensors").read_bytes() for folder in (whole, parts)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_and_says_what_it_found(pack: Pack, tmp_path: Path, method: str):
    spec = spec_for(pack, epochs=1, method={"name": method})
    [metrics] = [one for one in run_here(spec, pack, tmp_path) if one.type == "metrics"]
    keys = {"train.loss", "train.pixel_accuracy", "val.mean_iou", "val.pixel_accuracy", "val.nll"}
    assert keys <= metrics.values.keys()
    assert ("train.kd_loss" in metrics.values) == (method == "patch_swap")
    assert json.loads((tmp_path / "main" / "train.json").read_bytes())["best_validation"]["mean_iou"] is not None


def test_an_evaluation_has_masks_figures_and_a_page_that_shows_them(pack: Pack, tmp_path: Path):
    spec = spec_for(pack, epochs=1, control=True)
    for arm in ("control", "main"):
        run_here(spec, pack, tmp_path, arm=arm)
        list(evaluate(spec, pack=pack, out=tmp_path, arm=arm, device=device.choose()))
    found = Evaluation.model_validate_json((tmp_path / "main" / "evaluation.json").read_bytes())
    assert {(name, split.task, split.samples) for name, split in found.splits.items()} == {
        ("val", "segmentation", 4),
        ("test", "segmentation", 4),
    }
    assert found.against_control.figures.keys() >= {"mean_iou", "pixel_accuracy", "nll", "ece"}
    page = (tmp_path / "main" / "report.html").read_text()
    assert "Predictions beside the truth" in page
    assert page.count('alt="prediction"') == 4
    assert "colour 1" in page


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cross_entropy", "patch_swap"])
def test_it_learns(tmp_path: Path, method: str):
    masked.shapes(tmp_path / "pack", size=48, counts=(48, 12, 12))
    pack = open_pack(tmp_path / "pack")
    spec = spec_for(pack, epochs=15, pairs=8, method={"name": method})
    run_here(spec, pack, tmp_path)
    torch.manual_seed(0)
    list(evaluate(spec, pack=pack, out=tmp_path, arm="main", device=device.choose()))
    found = Evaluation.model_validate_json((tmp_path / "main" / "evaluation.json").read_bytes())
    assert found.splits["test"].mean_iou > 0.7  # background alone gives 0.25
