"""What a report is made of."""

import pytest

from contract.results.evaluation import DetectionSplit, SplitEvaluation
from tests.trainer.report import made


def test_both_gives_the_figures_of_the_arms_that_there_are():
    facts = made.facts(["a", "b"])
    assert facts.both(SplitEvaluation) == (facts.held_out("main"), facts.held_out("control"))
    alone = made.facts(["a", "b"], control=False)
    assert alone.both(SplitEvaluation) == (alone.published, None)


def test_figures_of_another_task_are_refused():
    with pytest.raises(TypeError, match="DetectionSplit"):
        made.facts(["a", "b"]).both(DetectionSplit)
