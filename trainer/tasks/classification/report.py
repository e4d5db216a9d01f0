"""How a classifier's figures are shown."""

from dataclasses import dataclass
from typing import Any

from contract.results.evaluation import SplitEvaluation, SuspectedLabel, SuspectedLabels
from trainer.data.pack import Pack
from trainer.report import pictures, tables
from trainer.report.facts import Facts, View
from trainer.report.measures import Measure
from trainer.tasks.classification.swaps import Pair

MEASURES = (
    Measure("top1_accuracy", "Top-1 accuracy", 100, " %", 2, "higher"),
    Measure("top5_accuracy", "Top-5 accuracy", 100, " %", 2, "higher"),
    Measure("nll", "Negative log-likelihood, nats"),
    Measure("brier", "Brier score"),
    Measure("ece", "ECE, bins of equal width", 100, " %", 2),
    Measure("ece_equal_mass", "ECE, bins of equal mass", 100, " %", 2),
    Measure("aurc", "AURC x 1000", 1000, "", 2),
    Measure("eaurc", "E-AURC x 1000", 1000, "", 2),
    Measure("probability_correct", "p(target) where right", 100, " %", 1, "-"),
    Measure("probability_wrong", "p(target) where wrong", 100, " %", 1, "-"),
    Measure("confidence_wrong", "p(prediction) where wrong", 100, " %", 1, "-"),
)


SUSPECTS_SHOWN = 12  # of each list


@dataclass(frozen=True)
class Pictures:
    """What the page shows besides figures."""

    pairs: list[Pair] | None  # None where the method swaps nothing
    suspects: dict[str, list[tuple[str, SuspectedLabel]]]  # list -> picture (a data URI) and what is suspected


def suspects_shown(found: SuspectedLabels | None, pack: Pack) -> dict[str, list[tuple[str, SuspectedLabel]]]:
    """The most suspect of each list, as they are in the pack."""
    lists = {"held_out": found.held_out, "train": found.train} if found else {}
    return {
        name: [(_picture(pack, suspect.index), suspect) for suspect in suspects[:SUSPECTS_SHOWN]]
        for name, suspects in lists.items()
    }


def _picture(pack: Pack, row: int) -> str:
    height, width = (int(pack.table.column(side)[row].as_py()) for side in ("height", "width"))
    scale = min(1.0, pictures.SIDE_PX / max(height, width))
    size = {"height": max(1, round(height * scale)), "width": max(1, round(width * scale))}
    return pictures.of_pixels(pack.read(row, **size))


def _details(facts: Facts) -> dict[str, Any]:
    published, beside = facts.both(SplitEvaluation)
    return {
        "classes": tables.classes(published, beside),
        "confusions": tables.confusions(published),
        "corruptions": tables.corruptions(facts),
        **pictures.confusion(tables.shares(published)),
    }


VIEW = View(
    package="trainer.tasks.classification",
    measures=MEASURES,
    judged="images",
    accuracy=("train.top1_accuracy", "val.top1_accuracy", "top-1 accuracy"),
    details=_details,
)
