"""A few epochs of the job's own method through the rounding network: its pairs, swaps, losses and optimizer."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import torch
from torch import nn

from contract.child.messages import Message, Metrics, Notice, Progress, Working
from contract.specs import CompressionSpec, ResolvedSpec
from trainer.export.qat import taps
from trainer.export.qat.network import FakeQuantized
from trainer.machine.stopping import StopRequest
from trainer.training import loop
from trainer.training import run as running
from trainer.training.assignment import Assignment
from trainer.training.run import Position, Start

# Of the rate that the network was trained with: it is trained already, and has no batch norm to forgive large steps.
LEARNING_RATE_SHARE = 0.02
_SEED_STRIDE = 0x85EBCA6B  # far from the seeds of the training and of rounds of pruning


@dataclass(frozen=True)
class Graphs:
    """Two ONNX files of one network: fp32 with batch norm folded, and the int8 one made from it, names alike."""

    prepared: Path
    int8: Path


def fine_tune(
    assignment: Assignment, net: nn.Module, graphs: Graphs, *, epochs: int
) -> Generator[Message, None, FakeQuantized]:
    """The rounding network after so many epochs. `net` is the one that was trained, on the CPU.

    Deterministic, so what is interrupted is begun again. Raises Unlearnable where the graph cannot learn, and
    TrainerError.
    """
    network = rounding(graphs, net, assignment.image_shape)
    tuning = replace(assignment, spec=_spec(assignment.spec, epochs))
    learner = assignment.task.speaking_as(net, network)
    run = running.assemble(tuning, start=Start(learner, Position(accumulate=assignment.spec.training.accumulate)))
    for message in loop.train_round(run, StopRequest()):
        yield from _retold(message, run.plan.steps)
    return network.eval()


def rounding(graphs: Graphs, net: nn.Module, image_shape: tuple[int, int, int]) -> FakeQuantized:
    """What learns: it says what `net` says, the graphs being of that or of what a task made of it. On the CPU."""
    images_BCHW = torch.randn(2, *image_shape, generator=torch.Generator().manual_seed(0))
    flowing = taps.values(graphs.prepared, images_BCHW)
    int8, prepared = (onnx.load(path).graph for path in (graphs.int8, graphs.prepared))
    network = FakeQuantized(int8, prepared, taps.outputs(net, flowing, images_BCHW))
    network.tap(taps.stage_ends(net, flowing, images_BCHW))
    return network


def _spec(spec: ResolvedSpec, epochs: int) -> ResolvedSpec:
    """From a rate that moves weights little down to zero; no average, which would lag behind the ranges it has.

    Norms are folded into the weights, and layers have no names to tell a head or a depth by.
    """
    rate = LEARNING_RATE_SHARE * spec.optimizer.learning_rate * spec.optimizer.backbone_share
    alike = {"backbone_share": 1.0, "layer_decay": 1.0, "warmup_epochs": 0, "head_warmup_epochs": 0}
    alike |= {"decay_norms_and_biases": True}
    optimizer = spec.optimizer.model_copy(update={"learning_rate": rate, "schedule": "cosine"} | alike)
    changes = {"epochs": epochs, "early_stopping": None, "ema_decay": None, "compile": "off", "precision": "fp32"}
    changes |= {"freeze_norms": "none"}
    return spec.model_copy(
        update={
            "optimizer": optimizer,
            "training": spec.training.model_copy(update=changes),
            "compression": CompressionSpec(),
            "seed": (spec.seed + _SEED_STRIDE) % 2**32,
        }
    )


def _retold(message: Message, steps: int) -> Generator[Message, None, None]:
    """As work on a file: steps and checkpoints of this training are none of the job's."""
    if isinstance(message, Progress | Metrics):
        yield Working(activity="fine-tune the int8 network", done=message.step, total=steps)
    elif isinstance(message, Notice):
        yield message
