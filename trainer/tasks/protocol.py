"""What the loop asks of a vision task. Each task is a module of these functions; `trainer.tasks.choose` takes one.

The loop moves three things that it never looks into:

- *targets*, the truth of a batch. Classification: labels_B. Segmentation: masks_BHW, uint8, the value
  `contract.pack.manifest.IGNORE` where nobody judges. Detection: a list of B dicts, `boxes` (n, 4) float32 in pixels
  of the training size and `labels` (n,), of any n, 0 too. They move with their images: through `augment`, and through
  a method's `prepare`.
- *outputs*, what the network says, raw and differentiable, the same in train and evaluation mode. Classification:
  logits_BK. Segmentation: logits_BKHW. Detection: the heads' maps, before any choice among them; so losses are a
  method's, taken of outputs and targets, and non-maximum suppression belongs to `predict`. A file gives what
  `to_export` makes of them: a detector's are decoded to boxes and scores within it.
- *predictions*, outputs judged against targets and reduced to what figures are made of, image by image.

A network takes normalised float images (B, C, H, W) and nothing else: whatever else torchvision's own forward pass
would take or do (targets, resizing, normalising, NMS) stays outside, so that a network is exported as it was trained.
A method of a task is an objective like any other (`trainer.methods.method`): it may change images and targets in
`prepare`, and judges in `judge`. `Batch.targets` are the task's.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.child.messages import Working
from contract.pack.manifest import PackManifest, Split
from contract.results.evaluation import AgainstControl, AnySplit, SuspectedLabels
from contract.specs import AugmentationSpec, ResolvedSpec
from contract.specs.normalisation import Normalisation
from trainer.augmentation.normalise import Normalise
from trainer.data.pack import Pack
from trainer.data.sampling import Kinship
from trainer.machine.stopping import StopRequest
from trainer.methods.method import Judged, Method

Targets = Any
# What the same task made before, of its own kind. A function that takes less than a protocol's parameter allows does
# not satisfy it, and every task's functions take their own kinds only: hence Any. What they give is checked.
OwnNetwork = Any
OwnSamples = Any
OwnPredictions = Any


class LabelCheck(Protocol):
    def __call__(
        self, model: OwnNetwork, pack: Pack, spec: ResolvedSpec, *, device: torch.device
    ) -> Generator[Working, None, SuspectedLabels]:
        """Yields about once a second."""


class Samples(Protocol):
    """The images of a split with their targets."""

    @property
    def resident(self) -> bool:
        """On the device; otherwise a thread fetches them ahead."""

    @property
    def cached_bytes(self) -> int: ...

    @property
    def normalise(self) -> Normalise: ...

    def __len__(self) -> int: ...

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, Targets]:
        """uint8 images (B, C, H, W) and their targets, on the device, free to be changed."""


@runtime_checkable
class TiledSamples(Samples, Protocol):
    """Images that the network sees as tiles. `fetch` gives all tiles of each image, and a target for each image."""

    def fetch_random(self, positions: NDArray[np.int64], draws: NDArray[np.float64]) -> tuple[Tensor, Targets]:
        """A tile of each image, chosen by a row of `draws` (B, 3), with targets of its own."""


class Found(Protocol):
    """What was found of each image of a split. Two networks' can be compared where the images are the same."""

    def to_bytes(self) -> bytes: ...

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Batches one after the other."""

    @classmethod
    def of_bytes(cls, content: bytes) -> Self: ...


class Task(Protocol):
    @property
    def Predictions(self) -> type[Found]: ...

    @property
    def BATCH(self) -> int:
        """Images at once in evaluation mode."""

    @property
    def OUTPUTS(self) -> Mapping[str, str]:
        """What an exported file calls its outputs, in their order, and what they are."""

    @property
    def DIVERGENCE(self) -> str:
        """What `divergence` is counted in."""

    @property
    def ROBUSTNESS(self) -> Mapping[str, Callable[[OwnNetwork, OwnSamples, dict[str, Any]], Iterator[Working]]]:
        """By a spec's names."""

    @property
    def LABEL_CHECK(self) -> LabelCheck | None:
        """Looks for labels that the network contradicts; None where the task has no such check."""

    @property
    def TELLING_IMAGES(self) -> int:
        """That a divergence is measured on; each holds one decision, or thousands."""

    def build_model(self, spec: ResolvedSpec, manifest: PackManifest) -> nn.Module:
        """A fresh network, seeded by what torch draws next."""

    def head(self, model: OwnNetwork) -> tuple[str, ...]:
        """The names of the modules that no pretrained weights are for: what gives this task's own answers."""

    def load_backbone(self, model: OwnNetwork, weights: dict[str, Tensor]) -> None:
        """Begin with a trained classifier's weights, by the names that it has here; those that are not given stay.

        Raises RuntimeError where they are of another architecture.
        """

    def build_method(self, spec: ResolvedSpec, model: OwnNetwork, *, pack: Pack, groups: int) -> Method:
        """The spec's objective. `groups` is of a step, before it is divided."""

    def open_split(
        self,
        pack: Pack,
        split: Split,
        *,
        size: tuple[int, int],
        normalisation: Normalisation,
        device: torch.device,
        budget: int,
    ) -> Samples: ...

    def kinship(self, pack: Pack) -> Kinship:
        """Who of the training images is paired with whom."""

    def augment(
        self,
        images_BCHW: Tensor,
        targets: Targets,
        spec: AugmentationSpec,
        random: np.random.Generator,
        *,
        step: tuple[int, int],
        part: slice,
    ) -> tuple[Tensor, Targets]:
        """Images and targets, changed alike.

        `step` is (members, groups) of the whole step, for which numbers are drawn however it is divided; the images
        are its `part` of the groups.
        """

    def batch_metrics(self, judged: Judged) -> dict[str, Tensor]:
        """What is reported of a training step besides the losses: scalars, means over images."""

    def predict(
        self, model: OwnNetwork, samples: OwnSamples, *, activity: str, stop: StopRequest | None = None
    ) -> Generator[Working, None, Found]:
        """The network in evaluation mode over a split. Yields about once a second. Raises Interrupted on `stop`."""

    def to_export(self, model: OwnNetwork) -> nn.Module:
        """What files are made from: it gives a tensor, or a tuple of as many as `OUTPUTS`, by arithmetic alone."""

    def network_of(self, exported: OwnNetwork) -> nn.Module:
        """What `to_export` was given, but without the branches that it folded."""

    def speaking_as(self, model: OwnNetwork, network: nn.Module) -> nn.Module:
        """`model` for methods, `predict` and `to_export`, but saying what `network` says, which alone is learnt."""

    def judge(self, outputs: Any, targets: Targets) -> Found:
        """Of a batch of what `to_export` gives, by whatever ran it."""

    def same(self, mine: Any, reference: Any) -> Tensor:
        """Where two say alike: a bool of each image, pixel or whatever else is decided."""

    def divergence(self, mine: Any, reference: Any) -> Tensor:
        """Of each image, how far what a file says is from what the reference says, (B,) float64, none below zero."""

    def drop_interval(self, reference: OwnPredictions, found: OwnPredictions) -> tuple[float, float]:
        """95 % limits of the headline figure of `reference` minus that of `found`, on the same images."""

    def least_drop_shown(self, images: int) -> float | None:
        """No smaller limit of a drop can be shown to be kept by so many images; None where that cannot be said."""

    def validate(self, found: OwnPredictions) -> dict[str, float]:
        """Metrics of validation: at least those of `TERMS[task].validated`."""

    def figures(
        self, found: OwnPredictions, *, split: Literal["val", "test"], spec: ResolvedSpec, manifest: PackManifest
    ) -> AnySplit: ...

    def image_rows(
        self, found: OwnPredictions, pack: Pack, rows: NDArray[np.int64], *, size: tuple[int, int]
    ) -> dict[str, Any]:
        """The task's own columns of `contract.predictions`: `found` is of these rows, read at (height, width)."""

    def compare(
        self,
        main: OwnPredictions,
        control: OwnPredictions,
        *,
        split: Literal["val", "test"],
        calibrated: bool,
        equal_images_seen: bool,
    ) -> AgainstControl: ...

    def write_report(
        self,
        spec: ResolvedSpec,
        pack: Pack,
        out: Path,
        *,
        evaluations: Any,
        model: OwnNetwork,
        held_out: OwnSamples,
    ) -> bytes:
        """report.html, of the main arm's `model` on the device."""
