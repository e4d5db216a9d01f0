"""The averaged weights: a slow reference, resumed bit for bit, and published."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import run_here
from tests.trainer.training.test_resume import comparable, weights_digest
from trainer.data.pack import Pack
from trainer.training import loop
from trainer.training.averaging import AveragedModel

AVERAGED = body()["training"] | {"ema_decay": 0.8}


def test_average_agrees_with_a_slow_reference() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).double()
    averaged = AveragedModel(model, decay=0.5)
    expected = [parameter.detach().numpy().copy() for parameter in model.parameters()]
    for step in range(12):
        model(torch.randn(4, 3, dtype=torch.float64))  # moves the running statistics
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        averaged.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        followed = zip(expected, model.parameters(), strict=True)
        expected = [decay * old + (1 - decay) * new.detach().numpy() for old, new in followed]
        for found, slow in zip(averaged.model.parameters(), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), slow, rtol=1e-12)
    assert torch.equal(averaged.model[1].running_mean, model[1].running_mean)
    assert not any(parameter.requires_grad for parameter in averaged.model.parameters())


def test_average_resumes_to_the_same_weights_and_is_what_is_published(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    spec = spec_for(digits, training=AVERAGED, method={"name": "ddgsd"})  # a method that reads within the network
    whole = run_here(spec, digits, tmp_path / "whole")
    for step in (2, 3, 5):
        assert run_here(spec, digits, tmp_path / "parts", stop_at=step)[-1].type == "stopped"
    resumed = run_here(spec, digits, tmp_path / "parts")
    assert weights_digest(tmp_path / "parts") == weights_digest(tmp_path / "whole")
    assert comparable(resumed) == comparable(whole)[-len(comparable(resumed)) :]

    content = torch.load(tmp_path / "whole/main/checkpoints/step-000006.ckpt", weights_only=True)
    published = safetensors.torch.load_file(tmp_path / "whole/main/model.safetensors")
    for name, tensor in published.items():
        assert torch.equal(tensor, content["averaged"][name])
    assert not torch.equal(published["fc.weight"], content["objective"]["model.fc.weight"])
