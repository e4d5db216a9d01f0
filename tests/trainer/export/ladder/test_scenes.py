"""The ladder of networks of scenes: judged by mIoU and AP, on networks of which int8 spoils one layer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from contract.specs import Constraints, ExportSpec, LadderSpec, parse, resolve
from tests.data import masked
from tests.trainer.export.conftest import Exported, Trained, run_export
from tests.trainer.export.made import train_and_evaluate
from trainer.data.pack import open_pack
from trainer.errors import TrainerError

LIMIT = 3.0  # points
LOUD = 3000  # times as large is one channel as it was; the others are lost among 256 steps of its range
# A batch norm before a ReLU, and the convolution behind it: what the one makes larger the other makes smaller.
LOUD_LAYERS = {
    "trained_on_masks": ("model.backbone.1.block.0.1", "model.backbone.1.block.1.0.weight"),
    "trained_on_boxes": ("model.backbone.body.layer1.0.bn1", "model.backbone.body.layer1.0.conv2.weight"),
}
HEADLINE = {"trained_on_masks": "mean_iou", "trained_on_boxes": "ap"}
pytestmark = pytest.mark.timeout(1500)


def asked(limit: float, **settings: Any) -> ExportSpec:
    return ExportSpec(precision="int8", constraints=Constraints(max_drop_points=limit), ladder=LadderSpec(**settings))


def with_a_loud_channel(trained: Trained, layers: tuple[str, str], folder: Path) -> Trained:
    """The same answers in fp32, by weights that no scale for a whole layer fits."""
    shutil.copytree(trained.out / "main", folder / "main", ignore=shutil.ignore_patterns("fp32-*", "checkpoints"))
    path = folder / "main" / "model.safetensors"
    norm, behind = layers
    weights = load_file(path)
    channel = int(weights[f"{norm}.weight"].abs().argmax())
    for name in (f"{norm}.weight", f"{norm}.bias"):
        weights[name][channel] *= LOUD
    weights[behind][:, channel] /= LOUD
    save_file(weights, path)
    return Trained(trained.spec, trained.pack, folder)


def notices(exported: Exported, code: str) -> list[dict[str, Any]]:
    return [message.data for message in exported.messages if message.type == "notice" and message.code == code]


@pytest.fixture(scope="module", params=sorted(LOUD_LAYERS))
def scenes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Trained, Trained]:
    trained = request.getfixturevalue(request.param)
    loud = with_a_loud_channel(trained, LOUD_LAYERS[request.param], tmp_path_factory.mktemp("loud"))
    return request.param, trained, loud


@pytest.mark.slow
def test_candidates_are_judged_by_the_figure_of_their_task(tmp_path: Path) -> None:
    """By a network that hardly learnt anything: the way is the same."""
    masked.shapes(tmp_path / "pack", size=32, counts=(8, 6, 4))
    pack = open_pack(tmp_path / "pack")
    spec, _ = resolve(parse({"dataset": "dsv_test", "training": {"epochs": 1, "pairs_per_batch": 4}}), pack.manifest)
    train_and_evaluate(spec, pack, tmp_path / "out")
    found = run_export(Trained(spec, pack, tmp_path / "out"), asked(100, rungs=("int8",)), tmp_path / "export")
    (candidate,) = found.result.candidates
    assert (candidate.meets, candidate.split, candidate.samples) == (True, "val", 6)
    assert candidate.mean_iou is not None
    assert candidate.top1_accuracy is candidate.ap is None
    assert found.result.rung == "int8"
    assert "mIoU on val images" in (found.folder / "model_card.md").read_text()


@pytest.mark.slow
def test_ladder_climbs_past_int8_to_a_file_that_keeps_its_limit(
    scenes: tuple[str, Trained, Trained], tmp_path: Path
) -> None:
    name, _, loud = scenes
    found = run_export(loud, asked(LIMIT, rungs=("int8", "mixed")), tmp_path)
    int8, *mixed = found.result.candidates
    assert int8.drop_points > LIMIT
    assert "points of" in int8.reasons[0]
    assert (found.result.status, found.result.rung) == ("succeeded", "mixed")
    assert mixed[-1].meets
    assert mixed[-1].drop_points <= LIMIT
    assert found.result.measured["drop_points"] <= LIMIT
    assert found.result.measured["weights"]["int8"] > found.result.measured["weights"]["float32"]
    assert getattr(mixed[-1], HEADLINE[name]) > getattr(int8, HEADLINE[name])
    (sensitivity,) = notices(found, "layer_sensitivity")
    second, third = list(sensitivity["divergence"].values())[1:3]
    assert second > 2 * third, "the layer that is loud and the one that hears it stand out"


@pytest.mark.slow
def test_none_good_enough_is_a_failed_gate_with_the_table(scenes: tuple[str, Trained, Trained], tmp_path: Path) -> None:
    found = run_export(scenes[2], asked(LIMIT, rungs=("int8", "qat"), qat_epochs=1), tmp_path)
    assert found.result.status == "gate_failed"
    assert [each.rung for each in found.result.candidates] == ["int8", "qat"]
    assert not any(each.meets for each in found.result.candidates)
    assert any("No candidate of the ladder" in violation for violation in found.result.violations)


@pytest.mark.slow
def test_fine_tuned_file_answers_as_the_network_that_was_fine_tuned(
    scenes: tuple[str, Trained, Trained], tmp_path: Path
) -> None:
    """Under patch swap, whatever the network was trained with before."""
    name, trained, _ = scenes
    if name == "trained_on_boxes":  # FCOS, whose heads share weights
        with pytest.raises(TrainerError, match="several layers share a weight"):
            run_export(trained, asked(LIMIT, rungs=("qat",), qat_epochs=1), tmp_path)
        return
    kept = trained.spec.model_dump(include={"dataset", "model", "optimizer", "training"})
    spec, _ = resolve(parse(kept | {"method": {"name": "patch_swap"}}), trained.pack.manifest)
    found = run_export(Trained(spec, trained.pack, trained.out), asked(LIMIT, rungs=("qat",), qat_epochs=1), tmp_path)
    assert (found.result.status, found.result.rung) == ("succeeded", "qat"), found.result.violations
    (notice,) = notices(found, "qat_exported")
    assert notice["file_agreement"] > 0.95
    differences = {key for key in notice if key.endswith("_mean_difference")}
    for key in differences:
        assert notice[key] < 0.05 * notice[key.replace("mean_difference", "deviation")]
