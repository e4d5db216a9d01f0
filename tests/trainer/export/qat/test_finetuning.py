"""Fine-tuning with rounding runs the job's own method, moves the weights, and does the same twice."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.trainer.conftest import spec_for
from tests.trainer.export.qat.test_network import quantized
from trainer import models
from trainer.data.pack import Pack
from trainer.export.qat.finetuning import Graphs, fine_tune, rounding
from trainer.export.qat.network import FakeQuantized
from trainer.tasks.classification.methods.patch_swap import PatchSwap
from trainer.training.assignment import Assignment


@dataclass(frozen=True)
class Converted:
    net: nn.Module
    graphs: Graphs


@pytest.fixture(scope="module")
def converted(digits: Pack, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    folder = tmp_path_factory.mktemp("converted")
    torch.manual_seed(0)
    net = models.build(spec_for(digits).model, num_classes=10, channels=1).eval()
    prepared, int8 = quantized(net, torch.randn(64, 1, 8, 8), folder)
    return Converted(net, Graphs(prepared.graph, int8))


def tuned(
    converted: Converted, pack: Pack, folder: Path, *, epochs: int = 1, **changes: Any
) -> tuple[FakeQuantized, list]:
    assignment = Assignment(spec_for(pack, **changes), pack, folder, "main", torch.device("cpu"))
    steps = fine_tune(assignment, copy.deepcopy(converted.net), converted.graphs, epochs=epochs)
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def test_the_same_twice_and_every_epoch_counts(converted: Converted, digits: Pack, tmp_path: Path) -> None:
    first, said = tuned(converted, digits, tmp_path / "first", epochs=2)
    second, _ = tuned(converted, digits, tmp_path / "second", epochs=2)
    shorter, _ = tuned(converted, digits, tmp_path / "shorter")
    assert all(torch.equal(tensor, second.learnt()[name]) for name, tensor in first.learnt().items())
    assert any(not torch.equal(tensor, shorter.learnt()[name]) for name, tensor in first.learnt().items())
    assert {message.type for message in said} == {"working"}, "its steps are none of the job's"


def test_pairs_are_swapped_and_drawn_together(
    converted: Converted, digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    judge = PatchSwap.judge

    def watched(self, batch, network):
        judged = judge(self, batch, network)
        seen.append("kd_loss" in judged.losses)
        return judged

    monkeypatch.setattr(PatchSwap, "judge", watched)
    tuned(converted, digits, tmp_path)
    assert seen == [True] * 3


@pytest.mark.parametrize(
    "method", ["byot", *(pytest.param(name, marks=pytest.mark.slow) for name in ("frskd", "bake", "mixskd", "ps_kd"))]
)
def test_methods_that_read_between_layers_do_so_in_the_rounding_network(
    converted: Converted, digits: Pack, tmp_path: Path, method: str
) -> None:
    network, _ = tuned(converted, digits, tmp_path, method={"name": method})
    assert len(network.stage_ends) == 3


def test_what_needs_layers_by_name_is_left_to_the_training(converted: Converted, digits: Pack, tmp_path: Path) -> None:
    """The rounding network has no norms, no head and no depth; its spec says so, and it learns."""
    optimizer = {"learning_rate": 0.05, "layer_decay": 0.1, "head_warmup_epochs": 1, "decay_norms_and_biases": False}
    began = rounding(converted.graphs, converted.net, (1, 8, 8)).learnt()
    network, _ = tuned(converted, digits, tmp_path, optimizer=optimizer)
    assert any(not torch.equal(tensor, began[name]) for name, tensor in network.learnt().items())
