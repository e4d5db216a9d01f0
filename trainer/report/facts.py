"""All that a report is made of."""

from dataclasses import dataclass

from core.progress import Arm
from core.spec import Evaluation, PackManifest, ResolvedSpec, SplitEvaluation
from trainer.curves import Curve
from trainer.report.swaps import Pair


@dataclass(frozen=True)
class Facts:
    spec: ResolvedSpec
    manifest: PackManifest
    evaluations: dict[Arm, Evaluation]  # main, and the control where one was evaluated
    curves: dict[Arm, dict[str, Curve]]
    pairs: list[Pair] | None  # None: the method swaps nothing

    @property
    def main(self) -> SplitEvaluation:
        """The held-out figures of the main arm."""
        return self.held_out("main")

    @property
    def epochs(self) -> int:
        """How many were trained; fewer than asked for where training stopped early."""
        return self.curves["main"]["train.loss"][-1][0]

    def held_out(self, arm: Arm) -> SplitEvaluation:
        evaluation = self.evaluations[arm]
        return evaluation.splits[evaluation.evaluation_split]

    def name(self, arm: Arm) -> str:
        """What an arm is called in tables."""
        method = self.evaluations[arm].method
        return f"control ({method})" if arm == "control" else method

    def short_name(self, arm: Arm) -> str:
        """What an arm is called in legends, where there is little room."""
        return "control" if arm == "control" else self.evaluations[arm].method
