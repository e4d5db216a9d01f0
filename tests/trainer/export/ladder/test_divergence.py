"""How far a file's answers are from those of fp32, in each task: the measure by which layers are called sensitive."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainer import tasks

HERE, THERE, FAR = [10, 10, 30, 30], [20, 10, 40, 30], [50, 50, 70, 70]


def detected(*found: tuple[list[int], list[float]]) -> tuple[Tensor, Tensor]:
    """Of one image: a box and a score of each class for each anchor."""
    boxes, scores = zip(*found, strict=True)
    return torch.tensor([boxes], dtype=torch.float32), torch.tensor([scores], dtype=torch.float32)


def between(mine: tuple[Tensor, Tensor], reference: tuple[Tensor, Tensor]) -> float:
    (found,) = tasks.choose("detection").divergence(mine, reference).tolist()
    return found


@pytest.mark.parametrize(("task", "shape"), [("classification", (5, 3)), ("segmentation", (5, 3, 4, 6))])
def test_logits_diverge_by_kl_image_by_image(task: str, shape: tuple[int, ...]) -> None:
    mine, reference = torch.randn(2, *shape, generator=torch.manual_seed(0))
    found = tasks.choose(task).divergence(mine, reference)
    expected = functional.kl_div(
        mine.double().log_softmax(1), reference.double().log_softmax(1), reduction="none", log_target=True
    ).sum(dim=1)
    torch.testing.assert_close(found, expected.reshape(5, -1).mean(dim=1))
    assert tasks.choose(task).divergence(mine, mine).abs().max() == 0


def test_boxes_diverge_by_what_is_lost_of_a_sure_one() -> None:
    reference = detected((HERE, [0.8, 0.1]), (FAR, [0.01, 0.0]))
    assert between(reference, reference) == 0
    gone = between(detected((HERE, [0.0, 0.1]), (FAR, [0.01, 0.0])), reference)
    assert gone == pytest.approx(0.64)
    moved = between(detected((FAR, [0.8, 0.1]), (FAR, [0.01, 0.0])), reference)
    assert moved == pytest.approx(gone), "what is not where it was is not there"
    half = between(detected((THERE, [0.8, 0.1]), (FAR, [0.01, 0.0])), reference)
    assert half == pytest.approx(0.64 * 2 / 3)


def test_background_counts_for_next_to_nothing() -> None:
    """Doubling the scores of a thousand anchors that see nothing is less than dimming one that sees something."""
    background = [(FAR, [0.002])] * 1000
    reference = detected((HERE, [0.8]), *background)
    doubled = between(detected((HERE, [0.8]), *([(HERE, [0.004])] * 1000)), reference)
    assert doubled < between(detected((HERE, [0.6]), *background), reference)
