"""Be your own teacher: the loss written out with loops, and a deepest stage that does not move to meet the others."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.specs.methods import ByotSpec
from tests.trainer.tasks.classification.methods import judging
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, outputs
from trainer.tasks.classification.methods.byot import Byot, active_distance

LABELS = torch.tensor([0, 3, 4, 1])


def given(seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(0, 2, (4, 5))).requires_grad_()
    maps = [torch.from_numpy(random.normal(size=(4, *shape))).requires_grad_() for shape in judging.DIMENSIONS.stages]
    return logits, maps


def softmax(row: list[float]) -> list[float]:
    total = sum(exp(value) for value in row)
    return [exp(value) / total for value in row]


def soft_cross_entropy(student: list[float], teacher: list[float], temperature: float) -> float:
    mine, theirs = (softmax([value / temperature for value in row]) for row in (student, teacher))
    return -sum(p * log(q) for p, q in zip(theirs, mine, strict=True))


def method(**settings: float) -> Byot:
    torch.manual_seed(0)
    return judging.build(ByotSpec(**settings))


def test_loss():
    logits, maps = given()
    byot = method(feature_weight=0.01)
    found = byot.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses
    answers = [logits.tolist()]
    distance = 0.0
    deepest = maps[-1].detach().numpy().ravel()
    for head, map_ in zip(byot.heads, maps[:-1], strict=True):
        carried, answer = head(map_)
        answers.append(answer.tolist())
        for value, wanted in zip(carried.detach().numpy().ravel(), deepest, strict=True):
            if value > 0 or wanted > 0:
                distance += (value - wanted) ** 2
    labels = LABELS.tolist()
    ce = sum(-log(softmax(row)[y]) for rows in answers for row, y in zip(rows, labels, strict=True)) / 4
    pairs = [(mine, theirs) for rows in answers[1:] for mine, theirs in zip(rows, answers[0], strict=True)]
    kd = 9 * sum(soft_cross_entropy(mine, theirs, 3) for mine, theirs in pairs) / 4
    assert found["ce_loss"].item() == pytest.approx(ce, rel=1e-9)
    assert found["kd_loss"].item() == pytest.approx(kd, rel=1e-9)
    assert found["feature_loss"].item() == pytest.approx(distance, rel=1e-9)
    assert found["loss"].item() == pytest.approx(0.9 * ce + 0.1 * kd + 0.01 * distance, rel=1e-9)


def test_deepest_stage_and_the_networks_answer_do_not_learn_from_the_shallow_ones():
    logits, maps = given()
    byot = method(alpha=1, feature_weight=1)  # no cross-entropy
    byot.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses["loss"].backward()
    assert maps[-1].grad is None
    assert logits.grad is None or not logits.grad.any()
    assert all(map_.grad.any() for map_ in maps[:-1])


def test_positions_where_neither_is_active_are_left_out():
    mine, theirs = torch.tensor([[[[-3.0, 1.0, -1.0]]]]), torch.tensor([[[[-1.0, -1.0, 2.0]]]])
    assert active_distance(mine, theirs).item() == 4 + 9


def test_feature_term_of_a_step_is_that_of_its_parts_together():
    logits, maps = given()
    byot = method().eval()  # the statistics of batch norm would differ
    whole = byot.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses["feature_loss"]
    parts = []
    for rows in (slice(0, 2), slice(2, 4)):
        part = batch(LABELS[rows])
        part = type(part)(**part.__dict__ | {"draw": judging.draw(2)})  # two pairs a step, one in this part
        said = Scripted(outputs(logits[rows], stages=[map_[rows] for map_ in maps]))
        parts.append(byot.judge(part, said).losses["feature_loss"] / 2)
    assert sum(parts).item() == pytest.approx(whole.item(), rel=1e-12)
