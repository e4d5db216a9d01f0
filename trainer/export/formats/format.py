"""What a format gives. A model is a folder with all its files and nothing else, whatever their number."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from torch import nn

from contract.formats import OLDEST_OPSET, Precision
from trainer.export.inputs import Calibration

INPUT_NAME = "image"  # float32 (batch, channels, height, width), normalised


@dataclass(frozen=True)
class Source:
    """What files are made from."""

    net: nn.Module  # in evaluation mode; gives a tensor, or a tuple of as many as there are outputs
    image_shape: tuple[int, int, int]  # channels, height, width
    outputs: tuple[str, ...] = ("logits",)
    opset: int = OLDEST_OPSET  # of ONNX files


class Format(Protocol):
    """A module that satisfies this; nothing inherits from it."""

    @property
    def TITLE(self) -> str:
        """As people write it."""

    @property
    def MADE_WITH(self) -> tuple[str, ...]:
        """Distributions whose versions decide what `convert` writes."""

    @property
    def SETTINGS(self) -> Mapping[str, str]:
        """How its int8 files are made."""

    @property
    def PROGRAMS(self) -> tuple[str, ...]:
        """Of `portable`, in the bundle beside infer.py and verify.py."""

    @property
    def RUNS_HERE(self) -> bool:
        """Whether its runtime exists on a worker; what it cannot run is not measured."""

    @property
    def RUNTIME(self) -> ModuleType:
        """Of `portable.runtimes`: what runs a file, here, in the bundle, and where it is timed."""

    def convert(self, source: Source, folder: Path) -> None:
        """Write the fp32 model into an empty folder."""

    def quantize(
        self, source: Source, fp32: Path, folder: Path, *, precision: Precision, calibration: Calibration
    ) -> None:
        """Write the model of another precision into an empty folder. `fp32` has what `convert` wrote."""

    def requirements(self, folder: Path) -> Mapping[str, Any]:
        """What the manifest says of what opens this file; `runtime` is a requirement as pip takes it."""

    def annotate(self, folder: Path, entries: Mapping[str, object]) -> None:
        """Put JSON values under these keys into the file, where the format has room for them."""
