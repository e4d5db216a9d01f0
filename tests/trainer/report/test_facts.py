"""What a report is made of."""

from dataclasses import replace

import pytest

from contract.results.evaluation import DetectionSplit, SplitEvaluation
from tests.trainer.report import made


def test_both_gives_the_figures_of_the_arms_that_there_are():
    facts = made.facts(["a", "b"])
    assert facts.both(SplitEvaluation) == (facts.held_out("main"), facts.held_out("control"))
    alone = made.facts(["a", "b"], control=False)
    assert alone.both(SplitEvaluation) == (alone.published, None)


@pytest.mark.parametrize(
    ("counts", "balanced", "told"),
    [
        ({"a": 4, "b": 39}, "none", "4 (a) to 39 (b)"),
        (
            {"a": 4, "b": 40},
            "none",
            "4 (a) to 40 (b); add images of rare classes, or set training.class_balance to sampler",
        ),
        ({"a": 4, "b": 40}, "sampler", "4 (a) to 40 (b); balanced by sampler"),
    ],
)
def test_the_report_says_how_unbalanced_classes_are_and_what_to_do(counts, balanced, told):
    facts = made.facts(["a", "b"])
    training = facts.spec.training.model_copy(update={"class_balance": balanced})
    manifest = facts.manifest.model_copy(update={"counts": facts.manifest.counts | {"train": counts}})
    spec = facts.spec.model_copy(update={"training": training})
    assert replace(facts, spec=spec, manifest=manifest).class_sizes == told


def test_figures_of_another_task_are_refused():
    with pytest.raises(TypeError, match="DetectionSplit"):
        made.facts(["a", "b"]).both(DetectionSplit)
