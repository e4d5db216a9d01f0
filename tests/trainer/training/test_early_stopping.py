"""It stops after so many epochs without an improvement, publishes the best epoch's weights, and resumes."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from contract.specs import EarlyStoppingSpec
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import run_here
from tests.trainer.training.test_resume import comparable, weights_digest
from trainer.data.pack import Pack
from trainer.training import loop
from trainer.training.early_stopping import EarlyStopping


@pytest.mark.parametrize(
    ("metric", "min_delta", "values", "stops_at", "best"),
    [
        ("val.top1_accuracy", 0.0, [0.1, 0.5, 0.5, 0.4, 0.6], 4, 2),
        ("val.top1_accuracy", 0.2, [0.1, 0.2, 0.3, 0.9], 3, 1),
        ("val.nll", 0.0, [2.0, 1.0, 1.5, 0.9, 1.0, 1.0], 6, 4),
        ("val.nll", 0.0, [2.0, None, None, 0.1], 3, 1),  # epochs without validation count
    ],
)
def test_stops_once_validation_has_not_improved_for_so_long(metric, min_delta, values, stops_at, best) -> None:
    stopping = EarlyStopping(EarlyStoppingSpec(metric=metric, patience_epochs=2, min_delta=min_delta))
    model = nn.Linear(1, 1, bias=False)
    for epoch, value in enumerate(values, 1):
        model.weight.data.fill_(epoch)
        stopping.consider({} if value is None else {metric: value}, epoch, model)
        if stopping.stopped:
            break
    assert epoch == stops_at
    assert stopping.best_epoch == best
    assert stopping.weights["weight"].item() == best


def test_a_run_stops_early_publishes_its_best_epoch_and_resumes_to_the_same(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def validate(run, split, stop):
        yield from ()
        weights[run.position.epochs_closed + 1] = run.judged.state_dict()["fc.weight"].clone()
        return {"val.top1_accuracy": figures[run.position.epochs_closed], "val.nll": 1.0}

    figures, weights = [0.3, 0.6, 0.5, 0.6, 0.9, 0.9], {}
    monkeypatch.setattr(loop, "_validate", validate)
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    asked = body()["training"] | {"epochs": 6, "early_stopping": {"patience_epochs": 2}}
    spec = spec_for(digits, training=asked)
    whole = run_here(spec, digits, tmp_path / "whole")
    assert [message.epoch for message in whole if message.type == "metrics"] == [1, 2, 3, 4]
    assert whole[-1].type == "done"
    published = safetensors.torch.load_file(tmp_path / "whole/main/model.safetensors")
    assert torch.equal(published["fc.weight"], weights[2])
    assert not torch.equal(published["fc.weight"], weights[4])
    assert json.loads((tmp_path / "whole/main/train.json").read_text())["weights"] == "best"

    for step in (4, 6, 10):
        assert run_here(spec, digits, tmp_path / "parts", stop_at=step)[-1].type == "stopped"
    resumed = run_here(spec, digits, tmp_path / "parts")
    assert weights_digest(tmp_path / "parts") == weights_digest(tmp_path / "whole")
    assert comparable(resumed) == comparable(whole)[-len(comparable(resumed)) :]
    again = run_here(spec, digits, tmp_path / "parts")  # it knows that it was over
    assert [message.type for message in again] == ["started", "done"]
