"""The images an export is judged on and calibrated with, as the network's float32 input."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from contract.pack.manifest import Split
from contract.specs import ResolvedSpec
from contract.specs.normalisation import normalisation_of
from portable import preprocess
from trainer import tasks
from trainer.data import images as split_images
from trainer.data.pack import Pack
from trainer.data.tiles import Frame
from trainer.tasks.protocol import Targets

BATCH_SIZE = 64
CALIBRATION_BATCH_SIZE = 32
CALIBRATION_IMAGES = 512
GOLDEN_IMAGES = 8
GOLDEN_BYTES = 4 << 20  # of outputs: those of a dense network are as large as its images
GOLDEN_SIDE_PX = 512  # a golden picture is a sample, not a copy of a customer's photograph


@dataclass(frozen=True)
class HeldOut:
    """The rows of the split that figures are reported on."""

    spec: ResolvedSpec
    pack: Pack

    @property
    def rows(self) -> NDArray[np.int64]:
        return self.pack.rows(Split[self.pack.manifest.evaluation_split.upper()])

    @property
    def together(self) -> int:
        """Images in a batch."""
        return together(self.spec)

    def batches(self) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        """The network's inputs, with what is true of them."""
        split = Split[self.pack.manifest.evaluation_split.upper()]
        return with_targets(self.spec, self.pack, split, np.arange(len(self.rows)))

    def golden_image(self) -> Image.Image:
        """The first image, or a tile of it, no larger than a thumbnail, as a picture."""
        row = int(self.rows[0])
        image = self.pack.whole(row)
        if self.pack.tiles:
            image = image.crop(Frame(self.pack, self.spec.height, self.spec.width).some(row).crop)
        height, width = _golden_size(image)
        pixels = self.pack.fitted(preprocess.STRETCH).laid(image, height=height, width=width)
        return Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)

    def golden_input(self, image: Image.Image, *, images: int = GOLDEN_IMAGES) -> NDArray[np.float32]:
        """The network's input for the golden image, and for held-out images after it: so many together."""
        manifest, spec = self.pack.manifest, self.spec
        pixels = preprocess.to_pixels(
            image, height=spec.height, width=spec.width, channels=manifest.channels, fit=self.pack.fit
        )
        first = _normalised(spec, self.pack, pixels[None])
        rest = batches(spec, self.pack, self.rows[1:images], size=images)
        return np.concatenate([first, *rest])


def together(spec: ResolvedSpec) -> int:
    """How many images a batch with targets holds: of those that are cut into tiles, one."""
    return 1 if spec.training.tiles else min(BATCH_SIZE, tasks.choose(spec.task).BATCH)


def with_targets(
    spec: ResolvedSpec, pack: Pack, split: Split, positions: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.float32], Targets]]:
    """The network's inputs at these positions of a split, with what is true of them, in batches.

    Of tiled images one at a time, all its tiles.
    """
    samples = tasks.choose(spec.task).open_split(
        pack,
        split,
        size=(spec.height, spec.width),
        normalisation=normalisation_of(spec, pack.manifest),
        device=torch.device("cpu"),
        budget=0,
    )
    for start in range(0, len(positions), together(spec)):
        pixels, targets = samples.fetch(positions[start : start + together(spec)])
        yield _normalised(spec, pack, pixels.permute(0, 2, 3, 1).numpy()), targets


def calibration_rows(pack: Pack) -> NDArray[np.int64]:
    """Training images that the ranges of activations are found with."""
    return spaced(pack.rows(Split.TRAIN), CALIBRATION_IMAGES)


def spaced(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many rows, evenly spaced, so that classes keep their shares."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(np.int64)]


def batches(spec: ResolvedSpec, pack: Pack, rows: NDArray[np.int64], *, size: int) -> Iterator[NDArray[np.float32]]:
    """The network's input (at most `size`, channels, height, width) for these rows, in their order."""
    shape, device = (spec.height, spec.width), torch.device("cpu")
    source = split_images.open_images(pack, rows, size=shape, device=device, budget_bytes=0)
    for start in range(0, len(rows), size):
        positions = np.arange(start, min(start + size, len(rows)))
        yield _normalised(spec, pack, source.fetch(positions).permute(0, 2, 3, 1).numpy())


def _golden_size(image: Image.Image) -> tuple[int, int]:
    shrink = min(1.0, GOLDEN_SIDE_PX / max(image.size))
    return max(1, round(image.height * shrink)), max(1, round(image.width * shrink))


def _normalised(spec: ResolvedSpec, pack: Pack, pixels_BHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    by = normalisation_of(spec, pack.manifest)
    return preprocess.normalise(pixels_BHWC, list(by.mean), list(by.std))


class Calibration:
    """An iterator of (batch, channels, height, width) float32, as the network sees them, for one pass."""

    def __init__(self, batches: Iterator[NDArray[np.float32]], total: int) -> None:
        self._batches = batches
        self._total = total
        self._taken = 0

    @classmethod
    def of(cls, spec: ResolvedSpec, pack: Pack) -> "Calibration":
        rows = calibration_rows(pack)
        size = CALIBRATION_BATCH_SIZE
        return cls(batches(spec, pack, rows, size=size), ceil(len(rows) / size))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return self

    def __next__(self) -> NDArray[np.float32]:
        batch = next(self._batches)
        self._taken += 1
        return batch

    def steps(self) -> tuple[int, int]:
        """How many batches were taken, of how many."""
        return self._taken, self._total
