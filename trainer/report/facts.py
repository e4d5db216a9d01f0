"""All that a report is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from contract.child.messages import Arm
from contract.pack.balance import balance
from contract.pack.manifest import PackManifest
from contract.results.evaluation import AnySplit, DetectionSplit, Evaluation, SegmentationSplit, SplitEvaluation
from contract.results.selection import published_arm
from contract.specs import ResolvedSpec
from trainer.report.measures import Measure
from trainer.statistics.curves import Curve

Held = TypeVar("Held", SplitEvaluation, SegmentationSplit, DetectionSplit)


@dataclass(frozen=True)
class View:
    """How a task's figures are shown."""

    package: str  # whose page.html.jinja extends the frame
    measures: tuple[Measure, ...]  # of a split
    judged: str  # what a confidence is of
    accuracy: tuple[str, str, str]  # metrics of training and of validation, drawn together, and the axis they share
    details: Callable[["Facts"], dict[str, Any]]  # what its template shows besides


@dataclass(frozen=True)
class Facts:
    view: View
    spec: ResolvedSpec
    manifest: PackManifest
    evaluations: dict[Arm, Evaluation]  # main, and the control where one was evaluated
    curves: dict[Arm, dict[str, Curve]]
    shown: Any  # pictures that the task's template knows

    @property
    def arm(self) -> Arm:
        """Whose weights are published."""
        return published_arm(self.evaluations)

    @property
    def arm_beside(self) -> Arm | None:
        """The other one, where two were trained."""
        return next((arm for arm in self.evaluations if arm != self.arm), None)

    @property
    def published(self) -> AnySplit:
        """The held-out figures of the published network."""
        return self.held_out(self.arm)

    @property
    def epochs(self) -> int:
        """How many were trained; fewer than asked for where training stopped early."""
        return self.curves["main"]["train.loss"][-1][0]

    @property
    def class_sizes(self) -> str | None:
        """How unbalanced the training images are, and what was or can be done."""
        sizes = balance(self.manifest)
        if sizes is None:
            return None
        text = f"{sizes.least:,} ({sizes.smallest}) to {sizes.most:,} ({sizes.largest})"
        asked = self.spec.training.class_balance
        if asked != "none":
            return f"{text}; balanced by {asked}"
        advice = "add images of rare classes, or set training.class_balance to sampler"
        return f"{text}; {advice}" if sizes.is_unbalanced else text

    def held_out(self, arm: Arm) -> AnySplit:
        evaluation = self.evaluations[arm]
        return evaluation.splits[evaluation.evaluation_split]

    def both(self, kind: type[Held]) -> tuple[Held, Held | None]:
        """The held-out figures of the published network and of the other, if there is one, where the task is known.

        Raises TypeError where they are another task's.
        """
        found = [self.held_out(arm) for arm in (self.arm, self.arm_beside) if arm]
        known = [figures for figures in found if isinstance(figures, kind)]
        if len(known) < len(found):
            raise TypeError(f"the figures are no {kind.__name__}")
        return known[0], known[1] if len(known) > 1 else None

    def heading(self, arm: Arm) -> str:
        """What an arm's column is called."""
        return f"{self.name(arm)}, published" if arm == self.arm and self.arm_beside else self.name(arm)

    def name(self, arm: Arm) -> str:
        """What an arm is called in tables."""
        method = self.evaluations[arm].method
        return f"baseline ({method})" if arm == "control" else method

    def short_name(self, arm: Arm) -> str:
        """What an arm is called in legends, where there is little room."""
        return "baseline" if arm == "control" else self.evaluations[arm].method
