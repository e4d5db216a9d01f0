"""How many steps a spec takes on a dataset, and how many images each of them sees."""

from dataclasses import dataclass

from contract.pack.manifest import PackManifest
from contract.specs.job import JobSpec


@dataclass(frozen=True)
class Plan:
    """How many steps a spec takes. Every method sees as many images a step, so equal steps are equal images."""

    groups: int  # of images that belong together in a step; pairs, for most methods
    members: int  # of a group
    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    @property
    def images_per_step(self) -> int:
        return self.groups * self.members


def plan(spec: JobSpec, manifest: PackManifest) -> Plan:
    """An epoch has as many steps for every method: those of one pass over the anchors of pairs (decision 0001).

    The last, incomplete batch is dropped; its images move every epoch. The epochs that fine-tune a pruned network are
    among them.
    """
    images, members = manifest.split_size("train"), spec.method.members
    pairs = min(spec.training.pairs_per_batch, images)
    groups = max(1, 2 * pairs // members)
    pruning = spec.compression.pruning
    fine_tuning = int(pruning.fine_tune_epochs) if pruning else 0
    epochs = spec.training.epochs + fine_tuning
    return Plan(groups=groups, members=members, steps_per_epoch=images // pairs, epochs=epochs)
