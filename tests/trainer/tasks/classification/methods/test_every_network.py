"""Methods with heads train every network at every size, and leave the network's own beginning as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contract.specs import parse, resolve
from contract.tasks import TERMS
from tests.data import packs
from trainer.data.pack import Pack, open_pack
from trainer.machine import device
from trainer.training import run as running
from trainer.training.assignment import Assignment
from trainer.training.loop import train_step

WITH_HEADS = ["byot", "frskd", "mixskd", "uskd", "bake"]
QUICK = [("resnet20", 8), ("mobilenet_v3_small", 8), ("shufflenet_v2_x1_0", 8), ("mobilenet_v3_small", 64)]
NETWORKS = [
    pytest.param(architecture, side, marks=[] if (architecture, side) in QUICK else pytest.mark.slow)
    for architecture in TERMS["classification"].architectures
    for side in (8, 32, 64)
]


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Eight images of two classes, which a spec may train at any size."""
    folder = tmp_path_factory.mktemp("gray")
    images = list(np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8))
    packs.write(folder, images, labels=np.arange(8) % 2, splits=np.zeros(8, np.int64))
    return open_pack(folder)


def begin(pack: Pack, out: Path, method: str, **training: Any) -> running.Run:
    device.choose()
    architecture = training.pop("architecture", "resnet20")
    body = {
        "dataset": "dsv_test",
        "model": {"architecture": architecture},
        "method": {"name": method},
        "training": {"epochs": 1, "pairs_per_batch": 4} | training,
    }
    spec = resolve(parse(body), pack.manifest)[0]
    return running.assemble(Assignment(spec, pack, out, "main", torch.device("cpu")))


@pytest.mark.parametrize(("architecture", "side"), NETWORKS)
@pytest.mark.parametrize("method", WITH_HEADS)
def test_a_step_reaches_every_parameter(gray: Pack, tmp_path: Path, method: str, architecture: str, side: int) -> None:
    """One without a gradient would be an error to those who share gradients, and a layer that never learns."""
    run = begin(gray, tmp_path, method, architecture=architecture, image_size=side)
    before = {name: value.clone() for name, value in run.objective.state_dict().items()}
    train_step(run)
    assert torch.isfinite(run.last_loss)
    idle = [name for name, parameter in run.objective.named_parameters() if parameter.grad is None]
    assert idle == []
    assert all(torch.isfinite(value).all() for value in run.objective.state_dict().values())
    moved = [name for name, value in run.objective.state_dict().items() if not torch.equal(value, before[name])]
    assert any(name.startswith("method.") for name in moved) or method == "bake"


@pytest.mark.parametrize("method", WITH_HEADS)
def test_network_begins_as_it_does_without_heads(gray: Pack, tmp_path: Path, method: str) -> None:
    plain = begin(gray, tmp_path, "cross_entropy").model.state_dict()
    own = begin(gray, tmp_path, method).model.state_dict()
    assert plain.keys() == own.keys()
    assert all(torch.equal(plain[name], own[name]) for name in plain)


@pytest.mark.parametrize("method", WITH_HEADS)
def test_heads_compute_in_bf16_where_the_network_does(gray: Pack, tmp_path: Path, method: str) -> None:
    run = begin(gray, tmp_path, method, precision="bf16")
    train_step(run)
    assert torch.isfinite(run.last_loss)
    assert all(parameter.grad.dtype == torch.float32 for parameter in run.objective.parameters())
