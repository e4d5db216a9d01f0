"""int8 files of a mask and a box network as exports make them, with random weights and answers of many kinds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from contract.specs import ModelSpec
from portable import preprocess
from tests.api import served
from tests.api.served import LABELS
from tests.data import layouts, scenes
from trainer.export.formats import conversion, quantization
from trainer.export.inputs import Calibration
from trainer.tasks.detection import network as detection
from trainer.tasks.segmentation import network as segmentation

SIZE = (64, 96)
OUTPUTS = {"segmentation": ("logits",), "detection": ("boxes", "scores")}


def masks(path: Path, _mode: str, seed: int) -> None:
    spec = ModelSpec(architecture="lraspp_mobilenet_v3_large", stem="imagenet")
    _write(path, "segmentation", lambda: segmentation.build(spec, num_classes=len(LABELS), channels=3), seed)


def boxes(path: Path, _mode: str, seed: int) -> None:
    spec = ModelSpec(architecture="ssdlite320_mobilenet_v3_large", stem="imagenet")
    _write(path, "detection", lambda: detection.build(spec, num_classes=len(LABELS), channels=3, size=SIZE), seed)


def pictures(count: int) -> list[bytes]:
    """PNG files of shapes."""
    files = layouts.yolo(scenes.draw(count, size=(120, 160)))
    return [content for name, content in sorted(files.items()) if name.endswith(".png")]


class Spread(nn.Module):
    """Random weights say nearly the same of everything; this spreads it, class by class."""

    CLASSES_AT: int

    def __init__(self, net: nn.Module, said: torch.Tensor) -> None:
        super().__init__()
        over = [dimension for dimension in range(said.dim()) if dimension != self.CLASSES_AT]
        self.net = net
        self.register_buffer("mean", said.mean(over, keepdim=True))
        self.register_buffer("deviation", said.std(over, keepdim=True))

    def of(self, logits: torch.Tensor) -> torch.Tensor:
        return (logits - self.mean) / self.deviation


class Masks(Spread):
    CLASSES_AT = 1

    def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        return self.of(self.net(images_BCHW))


class Boxes(Spread):
    """Few anchors are sure enough to be shown."""

    CLASSES_AT = 2

    def forward(self, images_BCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        boxes_BA4, scores_BAK = self.net(images_BCHW)
        return boxes_BA4, torch.sigmoid(self.of(torch.logit(scores_BAK)) - 2.5)


def _write(path: Path, task: str, build: Callable[[], nn.Module], seed: int) -> None:
    torch.manual_seed(seed)
    rules = served.rules() | {"height": SIZE[0], "width": SIZE[1], "output": ", ".join(OUTPUTS[task])}
    images = torch.from_numpy(
        np.concatenate([preprocess.to_input(Image.open(BytesIO(file)), rules) for file in pictures(8)])
    )
    net = build()
    with torch.no_grad():
        net.train()(images)
        net.eval()
        if task == "segmentation":
            net = Masks(net, net(images))
        else:
            net = detection.Decoding(net)
            net = Boxes(net, torch.logit(net(images)[1]))
    with tempfile.TemporaryDirectory() as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        conversion.convert(net.eval(), image_shape=(3, *SIZE), outputs=OUTPUTS[task], path=fp32)
        quantization.quantize(fp32, path, Calibration(iter([images.numpy()]), 1))
    conversion.set_metadata(path, {"labels": LABELS, "preprocess": rules})
