"""What one export is made from: the spec, the pack, and what `train` and `evaluate` left in the folder --out."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from contract.child.messages import Arm
from contract.files import EVALUATION, REPORT, WEIGHTS
from contract.formats import OLDEST_OPSET
from contract.results.evaluation import Evaluation, Selection
from contract.results.selection import published_arm
from contract.specs import CrossEntropySpec, ExportSpec, MethodSpec, ResolvedSpec
from contract.specs.normalisation import normalisation_of
from portable.preprocess import LETTERBOX, PADDING
from trainer import tasks
from trainer.data.pack import Pack
from trainer.errors import ended
from trainer.export import formats
from trainer.export.formats.format import INPUT_NAME, Format, Source
from trainer.tasks.protocol import Task

CPU = torch.device("cpu")
_STRETCHED = "to height x width whatever the aspect"
_LETTERBOXED = "as large as height x width allow at its own aspect, at the top left; gray of level `padding` beside it"


@dataclass(frozen=True)
class Order:
    spec: ResolvedSpec
    pack: Pack
    export: ExportSpec
    out: Path
    folder: Path  # receives bundle.zip and export.json
    device: torch.device = CPU  # fine-tunes, where that is asked for
    teacher: Path | None = None  # of a method that has one

    @cached_property
    def format(self) -> Format:
        return formats.choose(self.export.format)

    @cached_property
    def vision(self) -> Task:
        return tasks.choose(self.spec.task)

    @property
    def climbs(self) -> bool:
        """Whether there is a ladder to climb: candidates are run to be judged."""
        return self.export.climbs and self.format.RUNS_HERE

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the file's outputs, in their order."""
        return tuple(self.vision.OUTPUTS)

    @cached_property
    def arm(self) -> Arm:
        """Whose weights are published; the main one's, which are missed first, where nothing was evaluated."""
        if not self._evaluation_path("main").is_file():
            return "main"
        return published_arm({"main": self._evaluation("main")})

    @cached_property
    def method(self) -> MethodSpec:
        """What trained the published network."""
        return self.spec.method if self.arm == "main" else CrossEntropySpec()

    @property
    def weights_path(self) -> Path:
        return self.out / self.arm / WEIGHTS

    @cached_property
    def weights_sha256(self) -> str:
        return hashlib.sha256(self.weights_path.read_bytes()).hexdigest()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.pack.manifest.channels, self.spec.height, self.spec.width

    def source(self, net: nn.Module) -> Source:
        """What the files are made from. `net` is in evaluation mode."""
        return Source(net, self.image_shape, self.outputs, self.export.opset or OLDEST_OPSET)

    def trained(self) -> Evaluation:
        """The published network's evaluation. Raises TrainerError where there is none."""
        return self._evaluation(self.arm)

    def other_arm(self) -> Evaluation | None:
        """That of the network which was trained beside the published one, where there is one."""
        other: Arm = "control" if self.arm == "main" else "main"
        return self._evaluation(other) if self._evaluation_path(other).is_file() else None

    def selection(self) -> Selection | None:
        """How the published network was chosen; None where only one was trained."""
        return self._evaluation("main").selection

    def report(self) -> dict[str, bytes]:
        """report.html by its name; none of a network that was evaluated before there were reports."""
        path = self.out / "main" / REPORT
        return {path.name: path.read_bytes()} if path.is_file() else {}

    def preprocessing(self) -> dict[str, Any]:
        """preprocess.json: what `portable.preprocess` did to the training images, as data."""
        manifest = self.pack.manifest
        normalisation = normalisation_of(self.spec, manifest)
        low_high = {"depth_range": list(manifest.depth_range)} if manifest.depth_range else {}
        letterbox = self.pack.fit == LETTERBOX
        return {
            "version": 3 if self.pack.tiles else 2 if letterbox else 1,
            "upright": "turned as its EXIF block asks",
            "depth": "16 bits are scaled: depth_range becomes 0..255" if low_high else "of 16 bits the high 8",
            **low_high,
            "mode": "L" if manifest.channels == 1 else "RGB",
            "resize": f"bilinear, antialiased (Pillow), {_LETTERBOXED if letterbox else _STRETCHED}",
            **({"fit": LETTERBOX, "padding": PADDING} if letterbox else {}),
            **({"tiles": self.pack.tiles.model_dump()} if self.pack.tiles else {}),
            "height": self.spec.height,
            "width": self.spec.width,
            "divide_by": 255,
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
            "layout": "NCHW",
            "dtype": "float32",
            "input": INPUT_NAME,
            "output": ", ".join(self.outputs),
        }

    def _evaluation(self, arm: Arm) -> Evaluation:
        path = self._evaluation_path(arm)
        if not path.is_file():
            message = f"There is no evaluation of the trained network at {path}, to compare the exported file with."
            raise ended("evaluation_missing", message)
        return Evaluation.model_validate_json(path.read_bytes())

    def _evaluation_path(self, arm: Arm) -> Path:
        return self.out / arm / EVALUATION
