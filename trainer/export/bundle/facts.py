"""What a model card is written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.pack.manifest import PackManifest
from contract.results.evaluation import AnySplit, Evaluation, Selection
from contract.results.exported import Candidate
from contract.specs import ExportSpec, MethodSpec, ResolvedSpec
from trainer.export.formats import Format


@dataclass(frozen=True)
class Facts:
    spec: ResolvedSpec
    manifest: PackManifest
    weights_sha256: str  # of the trained network
    export: ExportSpec
    format: Format
    outputs: Mapping[str, str]  # name -> shape
    file: AnySplit | None  # the file's own figures; None where it cannot be run here
    trained: Evaluation  # of the published network
    method: MethodSpec  # what trained it
    other_arm: Evaluation | None  # of the network that was trained beside it
    selection: Selection | None  # how one of the two was chosen
    measured: dict[str, Any]
    violations: list[str]
    warnings: list[str]
    candidates: list[Candidate]  # of the ladder, where one was climbed

    @property
    def held_out(self) -> AnySplit:
        """Figures of the trained network on images that it was not trained on."""
        return held_out(self.trained)


def held_out(evaluation: Evaluation) -> AnySplit:
    return evaluation.splits[evaluation.evaluation_split]


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"
