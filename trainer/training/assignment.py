"""What is to be trained: the same for the first step of a run, for each of its rounds and for whoever resumes it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel
from torch import nn

from contract.child.messages import Arm
from contract.specs import CrossEntropySpec, ResolvedSpec
from trainer import tasks
from trainer.data.pack import Pack
from trainer.machine.team import ALONE, Team
from trainer.models import norms
from trainer.tasks.protocol import Task
from trainer.training import pretrained

# What may change between an interrupted run and its continuation without changing a weight.
_NOT_TRAINING = {"dataset", "name", "recipe", "chosen", "evaluation", "exports", "control", "selection", "labels"}


class _ModelOfTheFirstRelease(BaseModel):
    """The fields that fingerprints of a model have had since 0.1.0, so that checkpoints of old jobs are resumed."""

    architecture: str
    stem: str
    pretrained: None = None
    backbone_from: str | None


@dataclass(frozen=True)
class Assignment:
    """What is to be trained, on what, and where."""

    spec: ResolvedSpec
    pack: Pack
    out: Path
    arm: Arm
    device: torch.device
    team: Team = ALONE
    teacher_folder: Path | None = None
    pretrained_folder: Path | None = None

    def __post_init__(self) -> None:
        """The control arm is the same spec with plain cross-entropy, and has no teacher."""
        if self.arm == "control":
            object.__setattr__(self, "spec", self.spec.model_copy(update={"method": CrossEntropySpec()}))

    @property
    def fingerprint(self) -> str:
        """Equal for runs that end with equal weights."""
        spec = self.spec
        training = spec.training.model_copy(update={"checkpoint_every_seconds": 1.0})
        unsaid = _NOT_TRAINING if spec.compression.pruning else {*_NOT_TRAINING, "compression"}
        model = _ModelOfTheFirstRelease(
            architecture=spec.model.architecture, stem=spec.model.stem, backbone_from=spec.model.pretrained
        )
        changes = {"training": training, "model": model}
        text = spec.model_copy(update=changes).model_dump_json(exclude=unsaid, serialize_as_any=True)
        return hashlib.sha256(f"{self.arm} {self.pack.manifest.digest} {text}".encode()).hexdigest()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.pack.manifest.channels, self.spec.height, self.spec.width

    @property
    def task(self) -> Task:
        return tasks.choose(self.spec.task)

    def fresh_network(self) -> nn.Module:
        task, spec, manifest = self.task, self.spec.model, self.pack.manifest
        network = task.build_model(self.spec, manifest)
        norms.follow(network)
        if spec.pretrained:
            pretrained.load(network, self.pretrained_folder, task=task, spec=spec, manifest=manifest)
        return network
