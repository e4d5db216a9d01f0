"""The weights that a network begins with: built in, of a trained model, or a person's own.

Built-in ones are read from their installed package, all others from a folder as a teacher's. A classifier begins with
all of them but its head, which is new unless the classes are the same; a dense network with its backbone. The control
begins with them too: what is compared is the method.
"""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from contract.architectures import BACKBONES
from contract.pack.manifest import PackManifest
from contract.results.weights_report import WeightsReport
from contract.specs import ModelSpec
from contract.weights import BUILT_IN
from trainer import models
from trainer.errors import ended
from trainer.models import builtin_weights, donors, matching
from trainer.models.builtin_weights import NotAsPublished
from trainer.models.donors import NoNetwork
from trainer.tasks.protocol import Task


class _Donor(NamedTuple):
    tensors: dict[str, Tensor]
    classes: tuple[str, ...] | None  # None where nobody gave their names


def load(
    network: nn.Module, folder: Path | None, *, task: Task, spec: ModelSpec, manifest: PackManifest
) -> WeightsReport:
    """Fill a fresh network. Raises TrainerError where the weights are not to be had, or of another kind."""
    donor = _opened(spec, folder, channels=manifest.channels)
    classifier = models.outline(_classifier(spec), channels=manifest.channels)
    match = matching.match(classifier, donor.tensors)
    if match.share < matching.LEAST_SHARE:
        found, missing = len(match.report.matched) + len(match.report.reshaped), len(match.report.missing)
        message = f"{spec.pretrained} has {found} tensors that fit {spec.architecture}; {missing} are missing."
        raise ended("weights_unfit", message)
    same_classes = donor.classes is not None and list(donor.classes) == manifest.classes
    head = () if same_classes else matching.head_names(classifier)
    try:
        task.load_backbone(network, {name: tensor for name, tensor in match.tensors.items() if name not in head})
    except RuntimeError as error:
        message = f"The weights {spec.pretrained} are not those of a whole {spec.architecture}: {error}"
        raise ended("weights_unfit", message[:500]) from error
    return match.report


def _opened(spec: ModelSpec, folder: Path | None, *, channels: int) -> _Donor:
    if built_in := BUILT_IN.get(spec.pretrained or ""):
        try:
            tensors, card = builtin_weights.tensors(built_in), built_in.card
        except NotAsPublished as error:
            raise ended("missing_dependency", str(error), install=built_in.installed_by) from error
        unfit = card.unfit_for(spec.architecture, stem=spec.stem, channels=channels)
        classes = card.classes
    else:
        if folder is None:
            raise ended("weights_unfit", "`model.pretrained` names a network. Give its folder as --pretrained.")
        try:
            laid_out, tensors = donors.read(folder)
        except NoNetwork as error:
            raise ended("weights_unfit", f"{folder} is not a trained network's folder: {error}") from error
        unfit, classes = laid_out.unfit_to_begin(spec, channels=channels), laid_out.classes
    if unfit:
        raise ended("weights_unfit", unfit)
    return _Donor(tensors, classes)


def _classifier(spec: ModelSpec) -> ModelSpec:
    """What the weights are of: the network itself, or what a dense one is built on."""
    architecture = BACKBONES.get(spec.architecture, spec.architecture)
    return ModelSpec.model_validate({"architecture": architecture, "stem": spec.stem, "pretrained": None})
