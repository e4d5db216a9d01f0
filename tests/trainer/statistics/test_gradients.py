"""Gradient magnitudes as the loss's own derivatives, and the same after a resume."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainer.conftest import spec_for
from tests.trainer.runs import run_here
from trainer.data.pack import Pack
from trainer.statistics import curves, gradients
from trainer.training import loop


def test_magnitudes_are_the_derivatives_of_the_loss() -> None:
    """Against central differences in float64, weight by weight."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).double()
    images, labels = torch.randn(5, 1, 3, 3, dtype=torch.float64), torch.arange(5) % 3

    def loss() -> float:
        return nn.functional.cross_entropy(net(images), labels)

    loss().backward()
    found = gradients.by_layer(net)
    assert list(found) == ["0", "3"]  # neither biases nor normalisations
    for name in found:
        weights = net.get_submodule(name).weight
        slopes = []
        with torch.no_grad():
            for place in range(weights.numel()):
                flat = weights.view(-1)
                flat[place] += 1e-5
                above = loss().item()
                flat[place] -= 2e-5
                slopes.append(abs(above - loss().item()) / 2e-5)
                flat[place] += 1e-5
        assert found[name].item() == pytest.approx(sum(slopes) / len(slopes), rel=1e-5)
    layers = gradients.table(net, found)
    assert [(row.layer, row.weights) for row in layers] == [("0", 8), ("3", 24)]
    assert gradients.overall(net, found) == pytest.approx((8 * found["0"].item() + 24 * found["3"].item()) / 32)


def test_training_reports_them_and_a_resume_reports_the_same(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_for(digits)
    said = run_here(spec, digits, tmp_path / "whole")
    l1 = [message.values["train.gradient_l1"] for message in said if message.type == "metrics"]
    whole = json.loads((tmp_path / "whole" / "main" / "train.json").read_text())
    assert [value for _, value in whole["curves"]["train.gradient_l1"]] == l1
    assert [epoch for epoch, _ in whole["curves"]["train.loss"]] == [1, 2]
    layers = whole["layer_gradients"]
    assert (layers[0]["layer"], layers[-1]["layer"]) == ("conv1", "fc")
    weights = sum(row["weights"] for row in layers)
    assert sum(row["mean_absolute"] * row["weights"] for row in layers) / weights == pytest.approx(l1[-1])

    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    assert run_here(spec, digits, tmp_path / "parts", stop_at=4)[-1].type == "stopped"
    run_here(spec, digits, tmp_path / "parts")
    parts = json.loads((tmp_path / "parts" / "main" / "train.json").read_text())
    assert (parts["layer_gradients"], parts["curves"]) == (layers, whole["curves"])


def test_long_curves_are_thinned_out_and_keep_their_ends() -> None:
    curve = [(epoch, epoch / 7) for epoch in range(1, 10_001)]
    thin = curves.thinned(curve)
    assert (len(thin), thin[0], thin[-1]) == (200, curve[0], curve[-1])
    assert curves.thinned(curve[:50]) == curve[:50]
