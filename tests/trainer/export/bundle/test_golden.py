"""How far another machine may be from the golden outputs, as a bundle's manifest states it."""

import numpy as np
import pytest
from PIL import Image

from trainer.export.bundle.golden import Golden

QUANTIZED = {
    "fp32_boxes_mean_difference": 0.5,
    "fp32_boxes_max_difference": 3.0,
    "fp32_scores_mean_difference": 0.001,
    "fp32_scores_max_difference": 0.05,
}


def golden(**outputs: float) -> Golden:
    """Outputs of these deviations by name."""
    arrays = {name: np.array([[-spread], [spread]], np.float32) for name, spread in outputs.items()}
    return Golden(Image.new("L", (4, 4)), np.zeros((2, 1, 4, 4), np.float32), arrays)


def test_every_output_may_be_off_by_twice_what_its_type_moved_it() -> None:
    stated = golden(boxes=20, scores=0.2).tolerances({"run_here": True} | QUANTIZED)
    assert stated["output_tolerance"] == {
        "boxes": {"mean": 1, "max": 6},
        "scores": pytest.approx({"mean": 0.002, "max": 0.1}),
    }
    assert "twice as much" in stated["reason"]


def test_outputs_of_an_fp32_file_may_be_off_by_a_share_of_their_own_deviation() -> None:
    stated = golden(boxes=20, scores=0.2).tolerances({"run_here": True})
    assert stated["output_tolerance"] == {
        "boxes": pytest.approx({"mean": 2e-3, "max": 2e-2}),
        "scores": pytest.approx({"mean": 2e-5, "max": 2e-4}),
    }
    assert "another order" in stated["reason"]


def test_an_only_output_is_called_output() -> None:
    one = golden(logits=5)
    measured = {"run_here": True, "fp32_mean_difference": 0.1, "fp32_max_difference": 0.4}
    assert one.tolerances(measured)["output_tolerance"] == {"output": pytest.approx({"mean": 0.2, "max": 0.8})}
    assert one.files().keys() == {"golden/image.png", "golden/input.npy", "golden/output.npy"}
    two = golden(boxes=1, scores=1).files()
    assert {"golden/boxes.npy", "golden/scores.npy"} < two.keys()


def test_of_a_file_that_was_not_run_the_share_is_larger() -> None:
    stated = golden(logits=5).tolerances({"run_here": False})
    assert stated["output_tolerance"] == {"output": pytest.approx({"mean": 0.5, "max": 2.5})}
    assert "not run" in stated["reason"]
