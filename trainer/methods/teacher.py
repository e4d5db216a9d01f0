"""A network trained by an earlier job, frozen, that teaches another one.

A teacher is a folder with `teacher.json` (a `TeacherCard`) and `model.safetensors`, as `evaluate` leaves beside the
weights and as the worker lays out for `--teacher`.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from contract.pack.manifest import PackManifest
from contract.results.network_card import TeacherCard
from contract.specs.normalisation import Normalisation
from trainer import models
from trainer.errors import ended
from trainer.machine.device import place
from trainer.models import donors, widths
from trainer.models.donors import NoNetwork


class Teacher(nn.Module):
    """Gives the teacher's logits for images normalised as the student wants them."""

    scale: Tensor
    offset: Tensor

    def __init__(self, model: nn.Module, card: TeacherCard, student: Normalisation) -> None:
        super().__init__()
        self.model = model
        mine, theirs = torch.tensor([student.mean, student.std]), torch.tensor([card.mean, card.std])
        self.register_buffer("scale", (mine[1] / theirs[1])[:, None, None])
        self.register_buffer("offset", ((mine[0] - theirs[0]) / theirs[1])[:, None, None])

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.model(images_BCHW * self.scale + self.offset)


def load(folder: Path, manifest: PackManifest, normalisation: Normalisation, device: torch.device) -> Teacher:
    """A teacher from its folder, for images normalised as its student's.

    Raises TrainerError where it is none, or knows other classes or channels.
    """
    try:
        card, weights = donors.read(folder)
    except NoNetwork as error:
        raise ended("teacher_unfit", f"{folder} is not a teacher's folder: {error}") from error
    if unfit := card.unfit_for(manifest):
        raise ended("teacher_unfit", unfit)
    model = models.build(card.model, num_classes=len(card.classes), channels=card.channels)
    widths.fit(model, weights)  # it may have been pruned
    model.load_state_dict(weights)
    teacher = place(Teacher(model, card, normalisation), device)
    return teacher.eval().requires_grad_(requires_grad=False)
