"""What a candidate is worth, measured on images that choose, which are never those of the held-out split."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.child.messages import Working
from contract.pack.manifest import Split
from contract.results.exported import Candidate
from contract.specs import Constraints, Rung
from contract.tasks import TERMS
from trainer.export import model_files
from trainer.export.inputs import BATCH_SIZE, spaced, together, with_targets
from trainer.export.measuring import drops, gate, timing
from trainer.export.measuring.agreement import Agreement
from trainer.export.measuring.drops import Drop
from trainer.export.measuring.measurement import leaves, run
from trainer.export.order import Order
from trainer.export.waiting import working_while
from trainer.tasks.evaluation_mode import joined
from trainer.tasks.protocol import Targets

CHOOSING_IMAGES = 2048  # a point of accuracy is 20 of them
COMPARED_IMAGES = 256  # of them, with a network, which is slower than the files

Batches = Iterator[tuple[NDArray[np.float32], Targets]]


@dataclass(frozen=True)
class Judge:
    """Compares files with the fp32 one, which says what the trained network says, by the task's headline figure."""

    order: Order
    split: Literal["val", "train"]
    positions: NDArray[np.int64]  # in the split, of the images that choose
    fp32: Path = Path()
    said: dict[Path, Any] = field(default_factory=dict)  # predictions of the files judged, by their folders

    @classmethod
    def over(cls, order: Order, fp32: Path) -> Generator[Working, None, "Judge"]:
        judge = cls(order, *choosing(order), fp32)
        yield from judge.ask(fp32)
        return judge

    def ask(self, folder: Path) -> Generator[Working, None, float]:
        """A model's headline figure on all images that choose. Keeps its predictions."""
        model, found = self.order.format.RUNTIME.Model(folder), []
        total = ceil(len(self.positions) / together(self.order.spec))
        for done, (images, targets) in enumerate(self.batches(len(self.positions))):
            yield Working(activity=f"measure on {self.split}", done=done, total=total)
            found.append(self.order.vision.judge(run(model, images), targets))
        self.said[folder] = self.order.vision.Predictions.joined(found)
        return self.order.vision.validate(self.said[folder])[TERMS[self.order.pack.manifest.task].validated[0]]

    def lost(self, folder: Path, reference: Path) -> Generator[Working, None, Drop]:
        """How much one file that was asked is below another."""
        both = self.said[reference], self.said[folder]
        compare = partial(drops.of, self.order, *both, images=len(self.positions))
        return (yield from working_while("compare candidates", compare))

    def judge(self, candidate: Candidate, folder: Path) -> Generator[Working, None, Candidate]:
        """The candidate with all that was measured of its file, and whether it keeps the constraints."""
        terms = TERMS[self.order.pack.manifest.task]
        figure = yield from self.ask(folder)
        drop = yield from self.lost(folder, self.fp32)
        timed = yield from working_while(
            "measure latency", partial(timing.time_models, self.order.format.RUNTIME, [folder])
        )
        measured: dict[str, Any] = {
            "split": self.split,
            "samples": len(self.positions),
            "model_bytes": model_files.bytes_of(folder),
            terms.headline: figure,
            "latency_ms_p50": timed["latency_ms_p50"],
            **drop.values(),
        }
        reasons = gate.violations(
            self.order.export.constraints, measured | timed | {"run_here": True}, metric=terms.headline_name
        )
        return candidate.model_copy(update=measured | {"meets": not reasons, "reasons": reasons})

    def agreement(self, folder: Path, network: nn.Module) -> Generator[Working, None, Agreement]:
        """How a file agrees with a network on the CPU, on some of the images."""
        model, vision, found = self.order.format.RUNTIME.Model(folder), self.order.vision, Agreement(self.order.outputs)
        for images, _ in self.batches(COMPARED_IMAGES):
            if found.images >= COMPARED_IMAGES:  # tiles are counted, of which an image may have hundreds
                break
            yield Working(activity=f"measure on {self.split}", done=found.images, total=COMPARED_IMAGES)
            mine = run(model, images)
            with torch.inference_mode():
                theirs = joined([network(part) for part in torch.from_numpy(images).split(BATCH_SIZE)])
            found.add(leaves(mine), leaves(theirs), same=vision.same(mine, theirs))
        return found

    def batches(self, most: int) -> Batches:
        """At most so many of the images, evenly spaced, with what is true of them."""
        chosen = spaced(self.positions, most)
        return with_targets(self.order.spec, self.order.pack, Split[self.split.upper()], chosen)


@dataclass(frozen=True)
class Divergence:
    """How far models are from the fp32 one on a few images: finer than its figure, which few decisions move."""

    order: Order
    inputs: list[NDArray[np.float32]]
    reference: list[Any]  # what the fp32 model says, batch by batch

    @classmethod
    def on(cls, judge: Judge, fp32: Path, most: int) -> "Divergence":
        """On at most so many of the images that choose."""
        model, inputs = judge.order.format.RUNTIME.Model(fp32), [images for images, _ in judge.batches(most)]
        return cls(judge.order, inputs, [run(model, images) for images in inputs])

    def of(self, folder: Path) -> float:
        """The mean over images of the order's `divergence`."""
        model = self.order.format.RUNTIME.Model(folder)
        said = (run(model, images) for images in self.inputs)
        found: list[Tensor] = [self.order.vision.divergence(*both) for both in zip(said, self.reference, strict=True)]
        return float(torch.cat(found).mean())


def choosing(order: Order) -> tuple[Literal["val", "train"], NDArray[np.int64]]:
    """The split that chooses and the places of images in it, evenly spaced: validation, unless figures are of that."""
    manifest = order.pack.manifest
    split: Literal["val", "train"] = (
        "val" if manifest.split_size("val") and manifest.evaluation_split != "val" else "train"
    )
    places = np.arange(len(order.pack.rows(Split[split.upper()])))
    return split, spaced(places, CHOOSING_IMAGES)


def hopeless(rung: Rung, before: list[Candidate], constraints: Constraints) -> str | None:
    """Why a rung is not worth its time; None where it may help."""
    int8 = next((candidate for candidate in before if candidate.rung == "int8" and candidate.samples), None)
    if rung == "int8" or int8 is None:
        return None
    if constraints.max_bytes is not None and (int8.model_bytes or 0) > constraints.max_bytes:
        return "Not tried: it is no smaller than the int8 file, which is too large."
    lossy = constraints.max_drop_points is not None and (int8.drop_points or 0.0) > constraints.max_drop_points
    slow = constraints.max_latency_ms is not None and (int8.latency_ms_p50 or 0.0) > constraints.max_latency_ms
    if rung == "qat" and slow:
        return "Not tried: it is no faster than the int8 file, which is too slow."
    if rung == "qat" and not lossy:
        return "Not tried: the int8 file is accurate enough."
    return None
