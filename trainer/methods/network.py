"""The network as a method sees it: what it says, what is read between its layers, and the teacher if there is one."""

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from trainer.machine.device import Precision, autocast
from trainer.methods.teacher import Teacher
from trainer.models import stages


class Outputs(NamedTuple):
    """Shapes: B batch, K classes, F features; a stage's map is (B, channels, height, width)."""

    said: Any  # the task's outputs, in float32
    features_BF: Tensor | None  # what the last layer reads, where the method reads it
    stages: tuple[Tensor, ...]  # the maps at the end of each stage, shallow to deep, where the method reads them

    @property
    def logits_BK(self) -> Tensor:
        """Classification's outputs."""
        return self.said


class Reader(Protocol):
    """What a method wants to see of the network besides its logits."""

    reads_features: bool
    reads_stages: bool


class Network(Protocol):
    """What a method runs: the student, and the teacher where there is one."""

    def __call__(self, images_BCHW: Tensor) -> Outputs: ...

    def teach(self, images_BCHW: Tensor) -> Tensor:
        """The teacher's logits (B, K), float32, detached. Only where the method's spec names a teacher."""


class Student:
    """The network that is trained. Not a module, so that nobody counts its parameters twice."""

    def __init__(
        self, model: nn.Module, reader: Reader, *, precision: Precision, teacher: Teacher | None = None
    ) -> None:
        self._model, self._precision, self._teacher = model, precision, teacher
        self._taps = stages.Taps(model, features=reader.reads_features, stages=reader.reads_stages)

    def __call__(self, images_BCHW: Tensor) -> Outputs:
        with autocast(images_BCHW.device, self._precision):
            said = self._model(images_BCHW)
        features_BF, maps = self._taps.take()
        return Outputs(tree_map(Tensor.float, said), features_BF, maps)

    def teach(self, images_BCHW: Tensor) -> Tensor:
        if self._teacher is None:
            raise ValueError("this method has no teacher")
        with torch.no_grad(), autocast(images_BCHW.device, self._precision):
            return self._teacher(images_BCHW).float()
