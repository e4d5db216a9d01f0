"""The weights of a trained classifier as the beginning of a network's backbone: the paper's transfer reading.

They lie in a folder as a teacher's do. The control begins with them too: what is compared is the method.
"""

from pathlib import Path

from torch import nn

from contract.specs import ModelSpec
from trainer.errors import ended
from trainer.models import donors
from trainer.models.donors import NoNetwork
from trainer.tasks.protocol import Task


def load(model: nn.Module, folder: Path | None, *, task: Task, spec: ModelSpec, channels: int) -> None:
    """Raises TrainerError where the folder holds no classifier, or one of another kind than the backbone."""
    if folder is None:
        raise ended("backbone_unfit", "model.pretrained names a network: give its folder as --backbone.")
    try:
        card, weights = donors.read(folder)
    except NoNetwork as error:
        raise ended("backbone_unfit", f"{folder} is not a trained network's folder: {error}") from error
    if unfit := card.unfit_as_backbone(spec, channels=channels):
        raise ended("backbone_unfit", unfit)
    try:
        task.load_backbone(model, weights)
    except RuntimeError as error:
        message = f"The weights are not those of a whole {card.model.architecture}: {error}"
        raise ended("backbone_unfit", message[:500]) from error
