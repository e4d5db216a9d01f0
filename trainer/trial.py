"""A network that nobody tried here, tried once: built, run on two images and judged by what a training needs of it.

It costs seconds, and is done before a job is queued, where the api has a trainer beside it, and before any training.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from contract.architectures import TIMM
from contract.child import confinement
from contract.child.messages import Done, Message, Working
from contract.specs import ModelSpec
from trainer import models
from trainer.errors import TrainerError, ended
from trainer.models import stages

_MEMORY_BYTES = 24 << 30  # address space: torch alone takes some
_CPU_SECONDS, _OPEN_FILES = 60, 1024
_MOST_PARAMETERS = 200_000_000


def confine() -> None:
    """Limit this process for good to what a trial may take."""
    confinement.confine(
        memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS, file_bytes=1 << 20, open_files=_OPEN_FILES
    )


def run(
    spec: ModelSpec, *, num_classes: int, image_shape: tuple[int, int, int], reads_stages: bool
) -> Iterator[Message]:
    """Raises TrainerError."""
    yield Working(activity="try the network", done=0, total=1)
    require(spec, num_classes=num_classes, image_shape=image_shape, reads_stages=reads_stages)
    yield Done(files={})


def require(spec: ModelSpec, *, num_classes: int, image_shape: tuple[int, int, int], reads_stages: bool) -> None:
    """Raises TrainerError where an untested network cannot be trained on such images; others are not tried."""
    if not spec.architecture.startswith(TIMM):
        return
    channels = image_shape[0]
    try:
        size = models.count_parameters(models.outline(spec, channels=channels))
    except Exception as error:  # what a library's network raises is not known
        raise _unfit(spec, f"It cannot be built: {_words(error)}") from error
    if size > _MOST_PARAMETERS:
        raise _unfit(spec, f"It has {size:,} parameters; at most {_MOST_PARAMETERS:,} are allowed for edge devices.")
    network = models.build(spec, num_classes=num_classes, channels=channels)
    _require_logits(spec, network, num_classes, image_shape)
    if reads_stages:
        _require_stages(spec, network, image_shape)


def _require_logits(spec: ModelSpec, network: nn.Module, num_classes: int, image_shape: tuple[int, int, int]) -> None:
    try:
        with torch.no_grad():
            logits = network.train()(torch.zeros(2, *image_shape))
    except Exception as error:
        size = f"{image_shape[1]} x {image_shape[2]}"
        raise _unfit(
            spec, f"It does not take images of {size} px and {image_shape[0]} channels: {_words(error)}"
        ) from error
    if not isinstance(logits, Tensor) or logits.shape != (2, num_classes):
        raise _unfit(spec, "It does not give one logit per class.")
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear or linear[-1].out_features != num_classes:
        raise _unfit(spec, "Its last layer is not linear.")


def _require_stages(spec: ModelSpec, network: nn.Module, image_shape: tuple[int, int, int]) -> None:
    try:
        shapes = stages.shapes(network, image_shape)[1]
    except Exception as error:
        raise _unfit(
            spec, f"The method needs feature maps between its layers, which could not be read: {_words(error)}"
        ) from error
    if len(shapes) < max(2, len(stages.ends(network))) or any(len(shape) != 3 for shape in shapes):
        raise _unfit(spec, "The method needs feature maps between its layers, and it has none.")


def _unfit(spec: ModelSpec, why: str) -> TrainerError:
    return ended("architecture_unfit", f"{spec.architecture} cannot be trained. {why}")


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
