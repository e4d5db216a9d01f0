"""Training, pruning and fine-tuning as one run: resumed bitwise, counted as a whole, published with both networks."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from contract.files import UNPRUNED_WEIGHTS, WEIGHTS
from contract.results.evaluation import Evaluation
from contract.specs import plan
from contract.specs.normalisation import normalisation_of
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import finish, run_here, start, write_spec
from tests.trainer.training.test_resume import comparable, weights_digest
from trainer.data.pack import Pack
from trainer.evaluation import evaluate
from trainer.methods import teacher
from trainer.training import loop, weights

PRUNING = {"target_macs_share": 0.6, "rounds": 2, "fine_tune_epochs": 2}


def pruned_body(**changes: Any) -> dict[str, Any]:
    return body(compression={"pruning": PRUNING | changes})


@pytest.fixture(scope="module")
def whole(digits: Pack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list]:
    out = tmp_path_factory.mktemp("pruned")
    return out, run_here(spec_for(digits, **pruned_body()), digits, out)


def test_the_published_network_is_the_pruned_one_with_the_unpruned_beside_it(digits: Pack, whole: tuple) -> None:
    out, said = whole
    spec = spec_for(digits, **pruned_body())
    list(evaluate(spec, pack=digits, out=out, arm="main", device=torch.device("cpu")))
    found = Evaluation.model_validate_json((out / "main" / "evaluation.json").read_bytes())
    assert found.unpruned is not None
    assert found.macs <= 0.6 * found.unpruned.macs
    assert found.parameters < found.unpruned.parameters
    assert found.images_seen == 12 * 32
    notices = [message.data for message in said if message.type == "notice" and message.code == "pruned"]
    assert [notice["round"] for notice in notices] == [1, 2]
    assert notices[0]["macs_before"] == found.unpruned.macs
    assert notices[-1]["macs"] == found.macs


def test_steps_and_epochs_are_counted_over_all_rounds(digits: Pack, whole: tuple) -> None:
    planned = plan(spec_for(digits, **pruned_body()), digits.manifest)
    assert (planned.epochs, planned.steps) == (4, 12)
    _, said = whole
    started = [message for message in said if message.type == "started"]
    assert [(message.step, message.steps, message.epochs) for message in started] == [(0, 12, 4)]
    assert [(m.epoch, m.step) for m in said if m.type == "metrics"] == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert [message.step for message in said if message.type == "checkpoint"] == [6, 9, 12]


# 6 is the end of the training, 9 of the first round of pruning; the rest lies within them.
@pytest.mark.parametrize(
    ("step", "moment"),
    [(10, "write"), *(pytest.param(step, "step", marks=pytest.mark.slow) for step in (6, 7, 9, 12))],
)
def test_killed_run_resumes_to_the_same_weights(
    digits: Pack, digits_folder: Path, whole: tuple, tmp_path: Path, step: int, moment: str
) -> None:
    spec = write_spec(tmp_path, pruned_body())
    train = [step, moment, "train", spec, "--pack", digits_folder, "--out", tmp_path / "out"]
    status, _, errors = finish(start(train, module="tests.trainer.killed"))
    assert status == -signal.SIGKILL, errors

    said = run_here(spec_for(digits, **pruned_body()), digits, tmp_path / "out")

    out, uninterrupted = whole
    assert weights_digest(tmp_path / "out") == weights_digest(out)
    resumed, metrics = comparable(said), comparable(uninterrupted)
    assert resumed == metrics[len(metrics) - len(resumed) :]
    kept = [folder / "main" / UNPRUNED_WEIGHTS for folder in (out, tmp_path / "out")]
    assert kept[0].read_bytes() == kept[1].read_bytes()


def test_stopped_within_a_round_goes_on_there(
    digits: Pack, whole: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    spec = spec_for(digits, **pruned_body())
    stopped = run_here(spec, digits, tmp_path, stop_at=8)
    assert (stopped[-1].type, stopped[-1].step) == ("stopped", 8)
    resumed = run_here(spec, digits, tmp_path)
    assert resumed[0].step == 8
    assert weights_digest(tmp_path) == weights_digest(whole[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"distillation_weight": 0},
        {"criterion": "magnitude"},
        *(pytest.param(changes, marks=pytest.mark.slow) for changes in ({"rounds": 1}, {"learning_rate": 0.3})),
    ],
)
def test_every_setting_has_an_effect(digits: Pack, whole: tuple, tmp_path: Path, changes: dict) -> None:
    run_here(spec_for(digits, **pruned_body(**changes)), digits, tmp_path)
    assert weights_digest(tmp_path) != weights_digest(whole[0])


def test_average_of_the_weights_is_pruned_and_followed_again(digits: Pack, tmp_path: Path) -> None:
    changed = pruned_body() | {"training": body()["training"] | {"ema_decay": 0.9}}
    run_here(spec_for(digits, **changed), digits, tmp_path)
    stored = safetensors.torch.load_file(tmp_path / "main" / "model.safetensors")
    last = torch.load(tmp_path / "main" / "checkpoints" / "step-000012.ckpt", weights_only=True)
    assert torch.equal(stored["conv1.weight"], last["averaged"]["conv1.weight"])


@pytest.mark.parametrize(
    "method", ["byot", *(pytest.param(name, marks=pytest.mark.slow) for name in ("frskd", "ps_kd", "bake"))]
)
def test_methods_with_heads_and_memory_fine_tune_a_narrower_network(digits: Pack, tmp_path: Path, method: str) -> None:
    run_here(spec_for(digits, **pruned_body(), method={"name": method}), digits, tmp_path)
    summary = json.loads((tmp_path / "main" / "train.json").read_text())
    assert summary["steps"] == 12


def test_control_is_pruned_like_the_main_arm(digits: Pack, tmp_path: Path) -> None:
    said = run_here(spec_for(digits, **pruned_body()), digits, tmp_path, arm="control")
    assert [m.code for m in said if m.type == "notice"] == ["pruned", "pruned"]


def test_pruned_network_can_teach(digits: Pack, whole: tuple) -> None:
    folder = whole[0] / "main"
    spec = spec_for(digits, **pruned_body())
    taught = teacher.load(folder, digits.manifest, normalisation_of(spec, digits.manifest), torch.device("cpu"))
    network = weights.load_model(spec, digits.manifest, folder / WEIGHTS)
    images = torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(taught(images), network(images), atol=1e-5)
