"""What a candidate is worth, measured on images that choose, which are never those of the held-out split."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.progress import Working
from core.spec import Split
from core.spec.report import Candidate
from trainer.export import gate, heldout, model_files, timing
from trainer.export.task import Task
from trainer.export.waiting import working_while
from trainer.prediction import Predictions

Logits = NDArray[np.float32]
CHOOSING_IMAGES = 2048  # a point of accuracy is 20 of them


@dataclass(frozen=True)
class Judge:
    """Compares files with the fp32 one, whose logits are the trained network's."""

    task: Task
    split: Literal["val", "train"]
    rows: NDArray[np.int64]
    reference: Logits

    @classmethod
    def over(cls, task: Task, fp32: Path) -> Generator[Working, None, "Judge"]:
        split, rows = choosing(task)
        judge = cls(task, split, rows, np.empty((0, 0), np.float32))
        logits = yield from judge.logits(fp32)
        return cls(task, split, rows, logits)

    def logits(self, folder: Path) -> Generator[Working, None, Logits]:
        """Of a model for all images that choose."""
        model, found = self.task.format.RUNTIME.Model(folder), []
        total = ceil(len(self.rows) / heldout.BATCH_SIZE)
        batches = heldout.batches(self.task.spec, self.task.pack, self.rows, size=heldout.BATCH_SIZE)
        for done, batch in enumerate(batches):
            yield Working(activity=f"measure on {self.split}", done=done, total=total)
            found.append(model(batch)[0])
        return np.concatenate(found)

    def logits_of(self, network: nn.Module) -> Generator[Working, None, Logits]:
        """Of a network on the CPU, for the same images."""
        found = []
        for done, batch in enumerate(
            heldout.batches(self.task.spec, self.task.pack, self.rows, size=heldout.BATCH_SIZE)
        ):
            yield Working(activity=f"measure on {self.split}", done=done, total=len(self.rows))
            with torch.inference_mode():
                found.append(network(torch.from_numpy(batch)).numpy())
        return np.concatenate(found)

    def over_fewer(self, most: int) -> "Judge":
        """The same on at most so many of the images."""
        chosen = heldout.spaced(np.arange(len(self.rows)), most)
        return Judge(self.task, self.split, self.rows[chosen], self.reference[chosen])

    def judge(self, candidate: Candidate, folder: Path) -> Generator[Working, None, Candidate]:
        """The candidate with all that was measured of its file, and whether it keeps the constraints."""
        logits = yield from self.logits(folder)
        timed = yield from working_while(
            "measure latency", partial(timing.time_models, self.task.format.RUNTIME, [folder])
        )
        top1 = self._top1(logits)
        measured: dict[str, Any] = {
            "split": self.split,
            "samples": len(self.rows),
            "model_bytes": model_files.bytes_of(folder),
            "top1_accuracy": top1,
            "drop_points": 100 * (self._top1(self.reference) - top1),
            "latency_ms_p50": timed["latency_ms_p50"],
        }
        reasons = gate.violations(self.task.export.constraints, measured | timed | {"run_here": True})
        return candidate.model_copy(update=measured | {"meets": not reasons, "reasons": reasons})

    def divergence(self, logits: Logits) -> float:
        """Mean KL(fp32 || file) in nats: finer than accuracy, which few images decide."""
        before, after = (torch.from_numpy(each).double().log_softmax(dim=1) for each in (self.reference, logits))
        return float((before.exp() * (before - after)).sum(dim=1).mean())

    def _top1(self, logits: Logits) -> float:
        labels = torch.from_numpy(self.task.pack.labels[self.rows])
        return float(Predictions.of(torch.from_numpy(logits), labels).correct.mean())


def choosing(task: Task) -> tuple[Literal["val", "train"], NDArray[np.int64]]:
    """The split that chooses and its rows, evenly spaced: validation, unless the figures are reported on that."""
    manifest = task.pack.manifest
    reported = manifest.evaluation_split
    if manifest.split_size("val") and reported != "val":
        return "val", heldout.spaced(task.pack.rows(Split.VAL), CHOOSING_IMAGES)
    return "train", heldout.spaced(task.pack.rows(Split.TRAIN), CHOOSING_IMAGES)
