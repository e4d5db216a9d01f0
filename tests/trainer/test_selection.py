"""The better arm is published: in the evaluation, the report, the files made of it and their card."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from contract.results.evaluation import Evaluation
from contract.specs import ExportSpec
from tests.trainer.conftest import spec_for
from tests.trainer.runs import run_here
from trainer import evaluation, export
from trainer.data.pack import Pack
from trainer.machine import device


@pytest.fixture(scope="module")
def pair(digits: Pack, tmp_path_factory: pytest.TempPathFactory):
    """A main arm that learns next to nothing, its cross-entropy weighs so little, beside a control that does."""
    out = tmp_path_factory.mktemp("pair")
    training = {"epochs": 6, "pairs_per_batch": 16, "augmentation": {"horizontal_flip": False, "crop_padding": 0}}
    poor = {"name": "patch_swap", "ce_weight": 1e-9, "kd_weight": 0}
    adam = {"name": "adamw", "learning_rate": 0.01, "schedule": "cosine"}
    spec = spec_for(digits, control=True, method=poor, training=training, optimizer=adam)
    said = []
    for arm in ("main", "control"):
        run_here(spec, digits, out, arm=arm)
    for arm in ("control", "main"):
        said += evaluation.evaluate(spec, pack=digits, out=out, arm=arm, device=device.choose())
    return spec, out, said


def test_the_arm_with_the_higher_validation_accuracy_is_published(pair):
    spec, out, said = pair
    found = Evaluation.model_validate_json((out / "main" / "evaluation.json").read_bytes())
    trained = {arm: json.loads((out / arm / "train.json").read_bytes())["metrics"] for arm in ("main", "control")}
    assert trained["control"]["val.top1_accuracy"] > trained["main"]["val.top1_accuracy"]
    assert spec.selection == "better"
    assert found.selection.arm == "control"
    assert found.selection.control == trained["control"]["val.top1_accuracy"]
    (notice,) = [message for message in said if message.type == "notice"]
    assert (notice.code, notice.data["arm"]) == ("arm_published", "control")
    assert "control arm (cross_entropy)" in notice.message
    assert found.against_control.verdict in ("control", "noise")  # the paired comparison stays main minus control


def test_the_report_says_so_and_shows_the_published_network(pair):
    _, out, _ = pair
    page = (out / "main" / "report.html").read_text()
    assert "Published: the control arm (cross_entropy)" in page
    assert "baseline (cross_entropy), published" in page
    control = Evaluation.model_validate_json((out / "control" / "evaluation.json").read_bytes()).splits["test"]
    assert f"ECE {100 * control.ece:.2f} %" in page


def test_the_file_and_its_card_are_of_the_published_network(pair, digits: Pack, tmp_path: Path):
    spec, out, _ = pair
    list(export.run(spec, pack=digits, export=ExportSpec(), out=out, folder=tmp_path))
    control = Evaluation.model_validate_json((out / "control" / "evaluation.json").read_bytes())
    result = json.loads((tmp_path / "export.json").read_bytes())
    assert result["measured"]["top1_accuracy"] == pytest.approx(control.splits["test"].top1_accuracy)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        card, manifest = bundle.read("model_card.md").decode(), json.loads(bundle.read("manifest.json"))
    assert "by `cross_entropy`; no teacher network" in card
    assert "| not published (patch_swap) |" in card
    assert "Published: the control arm (cross_entropy)" in card
    settings = card[card.index("## Method") : card.index("## Accuracy")]
    assert "horizontal_flip false" in settings
    assert not {"None", "True", "False"} & set(re.findall(r"\w+", settings))
    assert manifest["trained_weights_sha256"] == _sha256(out / "control" / "model.safetensors")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
