"""Dense networks learn in their file's graph what methods judge: logits of pixels, and the maps before boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from contract.specs import ModelSpec
from portable.runtimes import onnx_runtime
from tests.trainer.export.formats.test_quantization import calibration, model_in
from trainer import tasks
from trainer.export.formats import conversion, quantization
from trainer.export.qat.finetuning import Graphs, rounding
from trainer.export.qat.operators import Unlearnable
from trainer.tasks.detection import network as detection
from trainer.tasks.segmentation import network as segmentation

SHAPE = (3, 64, 64)


def slow(name: str, task: str) -> object:
    return pytest.param(name, task, marks=pytest.mark.slow)


EVERY = [
    ("lraspp_mobilenet_v3_large", "segmentation"),
    slow("ssdlite320_mobilenet_v3_large", "detection"),
    slow("deeplabv3_resnet50", "segmentation"),
]


def settled(architecture: str, task: str) -> tuple[nn.Module, torch.Tensor]:
    """An untrained network whose norms have seen data, and inputs like that data."""
    torch.manual_seed(0)
    spec, images = ModelSpec(architecture=architecture, stem="imagenet"), torch.randn(16, *SHAPE)
    if task == "segmentation":
        net = segmentation.build(spec, num_classes=4, channels=3)
    else:
        net = detection.build(spec, num_classes=4, channels=3, size=SHAPE[1:])
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
            nn.init.uniform_(module.weight, 0.5, 1.5)
    with torch.no_grad():
        for batch in images.repeat(2, 1, 1, 1).split(8):
            net.train()(batch)
    return net.eval(), images


def graphs_of(net: nn.Module, task: str, images: torch.Tensor, folder: Path) -> Graphs:
    fp32, int8, vision = model_in(folder / "fp32"), model_in(folder / "int8"), tasks.choose(task)
    conversion.convert(vision.to_export(net), image_shape=SHAPE, outputs=tuple(vision.OUTPUTS), path=fp32)
    prepared = quantization.prepare(fp32, folder)
    quantization.write_untidied(prepared, int8, calibration(images))
    return Graphs(prepared.graph, int8)


@pytest.mark.parametrize(("architecture", "task"), EVERY)
def test_network_says_what_methods_judge_as_its_file_does_and_learns_it(
    architecture: str, task: str, tmp_path: Path
) -> None:
    net, images = settled(architecture, task)
    vision = tasks.choose(task)
    network = rounding(graphs_of(net, task, images, tmp_path), net, SHAPE)
    with torch.no_grad():
        raw, fake = net(images), network(images)
        as_file = tree_leaves(vision.to_export(vision.speaking_as(net, network))(images))
        fp32 = tree_leaves(vision.to_export(net)(images))
    assert [one.shape for one in tree_leaves(fake)] == [one.shape for one in tree_leaves(raw)]
    assert type(fake) is type(raw)

    said = onnx_runtime.Model(tmp_path / "int8")(images.numpy())
    for mine, file, exact in zip(as_file, said, fp32, strict=True):
        rounded_by = np.abs(file - exact.numpy()).mean()
        assert np.abs(mine.numpy() - file).mean() < 0.4 * rounded_by

    sum(one.square().mean() for one in tree_leaves(network(images[:4]))).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_detector_that_speaks_as_another_learns_only_that_one_and_keeps_its_losses() -> None:
    net, images = settled("ssdlite320_mobilenet_v3_large", "detection")
    scale = nn.Parameter(torch.ones(()))

    class Louder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = scale

        def forward(self, images_BCHW: torch.Tensor) -> dict[str, torch.Tensor]:
            with torch.no_grad():
                maps = net(images_BCHW)
            return {name: self.scale * map_ for name, map_ in maps.items()}

    spoken = tasks.choose("detection").speaking_as(net, Louder())
    targets = [{"boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]), "labels": torch.tensor([1])}] * len(images)
    losses = [sum(each.loss(each(images), targets, each.assign(targets)).values()).item() for each in (net, spoken)]
    assert losses[0] == pytest.approx(losses[1])
    assert [parameter for parameter in spoken.parameters() if parameter.requires_grad] == [scale]


@pytest.mark.slow
def test_graph_without_what_methods_judge_cannot_learn(tmp_path: Path) -> None:
    net, images = settled("lraspp_mobilenet_v3_large", "segmentation")
    graphs = graphs_of(net, "segmentation", images, tmp_path)

    class Doubled(nn.Module):
        def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
            return 2 * net(images_BCHW)

    with pytest.raises(Unlearnable, match=r"shape \(2, 4, 64, 64\), is not in the file's graph"):
        rounding(graphs, Doubled(), SHAPE)
