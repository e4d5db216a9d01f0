"""Which of two trained networks is published: validation decides, never the split that figures are reported on."""

from __future__ import annotations

import pytest

from contract.results import selection
from contract.results.evaluation import Evaluation


def evaluation(arm: str, *, test: float | None, val: float | None) -> Evaluation:
    def split(name: str, accuracy: float) -> dict:
        return {
            "task": "classification",
            "split": name,
            "samples": 40,
            "top1_accuracy": accuracy,
            "top5_accuracy": None,
            "nll": 0.5,
            "ece": None,
            "probability_correct": None,
            "probability_wrong": None,
            "confidence_intervals": {},
            "per_class": [],
            "confusion": [],
            "robustness": {},
        }

    found = {"val": val, "test": test}
    return Evaluation(
        arm=arm,
        method="patch_swap" if arm == "main" else "cross_entropy",
        splits={name: split(name, value) for name, value in found.items() if value is not None},
        evaluation_split="val" if test is None else "test",
        images_seen=100,
        train_seconds=1,
        parameters=1,
        macs=1,
    )


def arms(*, main: tuple, control: tuple) -> tuple[Evaluation, Evaluation]:
    return evaluation("main", val=main[0], test=main[1]), evaluation("control", val=control[0], test=control[1])


@pytest.mark.parametrize(
    ("main", "control", "published"),
    [
        ((0.80, 0.90), (0.85, 0.10), "control"),  # however much worse on the test split
        ((0.85, 0.10), (0.80, 0.90), "main"),
        ((0.80, 0.10), (0.80, 0.90), "main"),  # a tie
        ((None, 0.10), (None, 0.90), "main"),  # nothing to choose by
    ],
)
def test_the_higher_validation_figure_is_published_whatever_the_test_split_says(main, control, published):
    found = selection.choose("better", *arms(main=main, control=control))
    assert found.arm == published
    assert found.method == ("patch_swap" if published == "main" else "cross_entropy")
    assert (found.main, found.control) == (main[0], control[0])
    assert "90" not in found.message
    assert "10.00" not in found.message


def test_main_is_published_where_that_was_asked_for():
    found = selection.choose("main", *arms(main=(0.5, 0.5), control=(0.9, 0.9)))
    assert (found.arm, found.main, found.control) == ("main", 0.5, 0.9)
    assert "`selection: main`" in found.message


def test_the_sentence_has_both_figures_and_their_basis():
    found = selection.choose("better", *arms(main=(0.5, 0.5), control=(0.9, 0.9)))
    assert found.message == (
        "Published: the control arm (cross_entropy), chosen by top-1 accuracy on 40 validation images: "
        "patch_swap 50.00 %, the control (cross_entropy) 90.00 %."
    )
    on_validation = selection.choose("better", *arms(main=(0.5, None), control=(0.9, None)))
    assert "flatter" in on_validation.message


def test_published_arm_is_read_of_rows_of_every_release():
    main, control = arms(main=(0.5, 0.5), control=(0.9, 0.9))
    assert selection.published_arm({"main": main}) == "main"
    assert selection.published_arm({"main": {"arm": "main"}, "control": {}}) == "main"
    chosen = main.model_copy(update={"selection": selection.choose("better", main, control)})
    assert selection.published_arm({"main": chosen, "control": control}) == "control"
    assert selection.published_arm({"main": chosen.model_dump(mode="json")}) == "control"
