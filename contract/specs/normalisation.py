"""By which mean and standard deviation pixels become a network's input."""

from typing import Protocol

from contract.pack.manifest import PackManifest
from contract.strict import Strict


class Normalisation(Strict):
    mean: tuple[float, ...]  # per channel, pixels scaled to 0..1
    std: tuple[float, ...]


class Normalised(Protocol):
    @property
    def normalisation(self) -> Normalisation | None: ...


def normalisation_of(spec: Normalised, manifest: PackManifest) -> Normalisation:
    """That of the pretrained weights which a resolved spec begins with, else that of the dataset's training images."""
    if spec.normalisation is not None:
        return spec.normalisation
    return Normalisation(mean=tuple(manifest.mean), std=tuple(manifest.std))
