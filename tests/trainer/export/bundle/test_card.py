"""What a model card says of attacks: what was measured, on which images, and what was not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.specs import ExportSpec
from tests.trainer.report import made
from trainer.export import formats
from trainer.export.bundle import card
from trainer.export.bundle.facts import Facts

MEASURED = {
    "run_here": False,
    "model_bytes": 1000,
    "parameters": 250,
    "weights": {"float32": 250},
    "requires": {"runtime": "onnxruntime>=1.14"},
}


@pytest.fixture
def facts() -> Facts:
    told = made.facts(["cat", "dog", "fish"])
    return Facts(
        spec=told.spec,
        manifest=told.manifest,
        weights_sha256="0" * 64,
        export=ExportSpec(format="onnx", precision="fp32"),
        format=formats.choose("onnx"),
        outputs={"logits": "(batch, 3)"},
        file=None,
        trained=told.evaluations["main"],
        method=told.spec.method,
        other_arm=told.evaluations["control"],
        selection=None,
        measured=MEASURED,
        violations=[],
        warnings=[],
        candidates=[],
    )


def without(facts: Facts, *names: str) -> Facts:
    trained = facts.trained.model_copy(deep=True)
    for name in names:
        del trained.splits["test"].robustness[name]
    return replace(facts, trained=trained)


def test_measured_attacks_are_shown_beside_the_untouched_figure_of_the_same_images(facts: Facts):
    text = card.write(facts)
    assert "| untouched | 20 | 85.00 |\n| FGSM, one step, pixels moved by 1/255 | 20 | 50.00 |" in text
    assert "| corruptions, mean of all families and severities | 20 | 40.00 |" in text
    assert "this file itself was not attacked" in text
    limits = next(line for line in text.splitlines() if line.startswith("- Not measured:"))
    assert limits.endswith("attacks on the input other than FGSM and PGD.")


def test_attacks_that_the_job_left_out_are_named_as_not_measured(facts: Facts):
    text = card.write(without(facts, "fgsm", "pgd", "corruptions"))
    assert "## Robustness" not in text
    assert "attacks on the input, noise, blur and other corruptions." in text
    assert "other than FGSM, noise, blur" in card.write(without(facts, "pgd", "corruptions"))


def test_the_evaluation_of_an_older_release_has_no_untouched_figure(facts: Facts):
    trained = facts.trained.model_copy(deep=True)
    for measured in trained.splits["test"].robustness.values():
        del measured["clean_top1_accuracy"]
    text = card.write(replace(facts, trained=trained))
    assert "untouched |" not in text
    assert "FGSM, one step" in text


def test_equal_accuracies_are_said_in_words(facts: Facts):
    assert "The published network is as accurate as it." in card.write(replace(facts, other_arm=facts.trained))
