"""How a classifier's figures are shown."""

from typing import Any

from contract.results.evaluation import SplitEvaluation
from trainer.report import pictures, tables
from trainer.report.facts import Facts, View
from trainer.report.measures import Measure

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
