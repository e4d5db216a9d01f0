"""What holds for every method: bitwise resume, and weights that hold nothing of the method's own."""

import json
from pathlib import Path

import pytest
import safetensors.numpy
import torch

from contract.specs.methods import TaughtSpec
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import run_here
from tests.trainer.tasks.classification.methods import every
from tests.trainer.training.test_resume import comparable, weights_digest
from trainer.data.pack import Pack
from trainer.training import loop

STEPS = 6  # three an epoch


@pytest.fixture(scope="module")
def teacher(digits: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that was trained as a job trains it."""
    out = tmp_path_factory.mktemp("teacher")
    spec = spec_for(digits, method={"name": "cross_entropy"}, training=body()["training"] | {"epochs": 1})
    run_here(spec, digits, out)
    return out / "main"


@pytest.mark.parametrize("method", every.SPECS, ids=every.name_of)
def test_a_method_resumes_to_the_same_weights_and_figures(
    digits: Pack, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: type
) -> None:
    """Stopped within the first epoch, at its edge, and within the second."""
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    spec = spec_for(digits, method=every.body_of(method), seed=3)
    taught_by = teacher if issubclass(method, TaughtSpec) else None
    whole = run_here(spec, digits, tmp_path / "whole", teacher=taught_by)
    for step in (1, 3, 4):
        stopped = run_here(spec, digits, tmp_path / "parts", stop_at=step, teacher=taught_by)
        assert stopped[-1].type == "stopped"
    resumed = run_here(spec, digits, tmp_path / "parts", teacher=taught_by)
    assert next(message for message in resumed if message.type == "started").step == 4
    assert weights_digest(tmp_path / "parts") == weights_digest(tmp_path / "whole")
    assert comparable(resumed) == comparable(whole)[-len(comparable(resumed)) :]

    network = safetensors.numpy.load_file(teacher / "model.safetensors")
    published = safetensors.numpy.load_file(tmp_path / "parts" / "main" / "model.safetensors")
    assert {name: tensor.shape for name, tensor in published.items()} == {
        name: tensor.shape for name, tensor in network.items()
    }
    checkpoint = torch.load(tmp_path / "parts" / "main" / "checkpoints" / f"step-{STEPS:06}.ckpt", weights_only=True)
    own = {name for name in checkpoint["objective"] if name.startswith("method.")}
    assert {f"model.{name}" for name in network} | own == set(checkpoint["objective"])
    assert not method.stateful or own
    assert json.loads((tmp_path / "parts" / "main" / "train.json").read_text())["images_seen"] == STEPS * 32
