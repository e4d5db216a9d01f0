"""A method's losses for given logits: no network, no training. In float64 where the logits are."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from contract.specs import MethodSpec
from trainer.methods.method import Batch, Dimensions, Draw, Judged, Method
from trainer.methods.network import Outputs
from trainer.tasks.classification import methods

DIMENSIONS = Dimensions(classes=5, samples=64, groups=7, features=6, stages=((4, 8, 8), (6, 4, 4), (8, 2, 2)))


class Scripted:
    """A network that answers what it was told, call by call, and the last answer again and again."""

    def __init__(self, *outputs: Outputs, teacher: Tensor | None = None) -> None:
        self._outputs, self._teacher = list(outputs), teacher
        self.asked: list[Tensor] = []
        self.with_gradient: list[bool] = []

    def __call__(self, images_BCHW: Tensor) -> Outputs:
        self.asked.append(images_BCHW)
        self.with_gradient.append(torch.is_grad_enabled())
        return self._outputs.pop(0) if len(self._outputs) > 1 else self._outputs[0]

    def teach(self, images_BCHW: Tensor) -> Tensor:
        self.asked.append(images_BCHW)
        assert self._teacher is not None
        return self._teacher


def outputs(logits: Tensor, features: Tensor | None = None, stages: Sequence[Tensor] = ()) -> Outputs:
    return Outputs(logits, features, tuple(stages))


def build(spec: MethodSpec, dimensions: Dimensions = DIMENSIONS) -> Method:
    """In float64, so that a slow reference can be met to many digits."""
    return methods.build(spec, dimensions).double().train()


def draw(groups: int, *, seed: int = 0, part: slice = slice(None), progress: float = 0.0) -> Draw:
    return Draw(np.random.default_rng(seed), groups, part, progress)


def batch(
    labels: Tensor,
    *,
    images: Tensor | None = None,
    positions: Tensor | None = None,
    members: int = 2,
    step: int = 0,
    epoch: float = 0.0,
    epochs: int = 10,
    part: int = 0,
    seed: int = 0,
) -> Batch:
    count = len(labels)
    return Batch(
        images_BCHW=torch.zeros(count, 1, 8, 8, dtype=torch.float64) if images is None else images,
        targets=labels,
        positions_B=torch.arange(count) if positions is None else positions,
        members=members,
        step=step,
        epoch=epoch,
        epochs=epochs,
        part=part,
        draw=draw(count // members, seed=seed),
    )


def judge(method: Method, logits: Tensor, labels: Tensor) -> Judged:
    """For methods that look at the logits of one forward pass alone."""
    return method.judge(batch(labels), Scripted(outputs(logits)))
