"""What a network of a bench says of a split, whose images it sees as its training saw them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from torch import nn

from contract.pack.manifest import Split
from contract.specs import ResolvedSpec
from contract.specs.normalisation import normalisation_of
from trainer import tasks
from trainer.data.images import host_budget
from trainer.data.pack import Pack
from trainer.machine import device


def predictions(model: nn.Module, spec: ResolvedSpec, pack: Pack, split: Split) -> Any:
    """As the task of `spec` has them."""
    task = tasks.choose(spec.task)
    samples = task.open_split(
        pack.fitted(spec.training.fit, spec.training.tiles),
        split,
        size=(spec.height, spec.width),
        normalisation=normalisation_of(spec, pack.manifest),
        device=device.choose(),
        budget=host_budget(),
    )
    return _ended(task.predict(model, samples, activity=split.name.lower()))


def _ended(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value
