"""The methods with a teacher: their losses against formulas written out with loops, and who is left alone."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.specs.methods import DkdSpec, KdSpec, TfKdSelfSpec
from tests.trainer.tasks.classification.methods import judging
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, outputs

LABELS = torch.tensor([0, 3, 4, 1, 1, 2])
ROWS, CLASSES = 6, 5


def random(seed: int) -> Tensor:
    values = torch.from_numpy(np.random.default_rng(seed).normal(0, 3, (ROWS, CLASSES)))
    return values.requires_grad_()


def softmax(row: list[float]) -> list[float]:
    total = sum(exp(value) for value in row)
    return [exp(value) / total for value in row]


def divergence(teacher: list[float], student: list[float]) -> float:
    return sum(p * (log(p) - log(q)) for p, q in zip(teacher, student, strict=True))


def cross_entropy(logits: list[list[float]]) -> float:
    return sum(-log(softmax(row)[label]) for row, label in zip(logits, LABELS.tolist(), strict=True)) / ROWS


def softened(logits: list[list[float]], temperature: float) -> list[list[float]]:
    return [softmax([value / temperature for value in row]) for row in logits]


def judge(spec, student: Tensor, teacher: Tensor, **about):
    return judging.build(spec).judge(batch(LABELS, **about), Scripted(outputs(student), teacher=teacher)).losses


def mean_divergence(student: Tensor, teacher: Tensor, temperature: float) -> float:
    pairs = zip(softened(teacher.tolist(), temperature), softened(student.tolist(), temperature), strict=True)
    return sum(divergence(p, q) for p, q in pairs) / ROWS


def test_kd():
    student, teacher = random(0), random(1)
    found = judge(KdSpec(teacher="m"), student, teacher)
    wanted = 0.1 * cross_entropy(student.tolist()) + 0.9 * 16 * mean_divergence(student, teacher, 4)
    assert found["loss"].item() == pytest.approx(wanted, rel=1e-12)


def test_tf_kd_self_takes_the_mean_over_classes_too():
    student, teacher = random(0), random(1)
    found = judge(TfKdSelfSpec(teacher="m"), student, teacher)
    over_all = mean_divergence(student, teacher, 6) / CLASSES
    wanted = 0.05 * cross_entropy(student.tolist()) + 0.95 * 36 * 50 * over_all
    assert found["loss"].item() == pytest.approx(wanted, rel=1e-12)


def decoupled(student: Tensor, teacher: Tensor) -> tuple[float, float]:
    target = others = 0.0
    rows = zip(softened(student.tolist(), 4), softened(teacher.tolist(), 4), LABELS.tolist(), strict=True)
    for mine, theirs, label in rows:
        target += divergence([theirs[label], 1 - theirs[label]], [mine[label], 1 - mine[label]])
        rest = [[p / (1 - row[label]) for i, p in enumerate(row) if i != label] for row in (theirs, mine)]
        others += divergence(*rest)
    return 16 * target / ROWS, 16 * others / ROWS


@pytest.mark.parametrize(("epoch", "warmth"), [(0.0, 0.0), (5.0, 0.25), (12.5, 0.625), (20.0, 1.0), (90.0, 1.0)])
def test_dkd_grows_over_twenty_epochs(epoch: float, warmth: float):
    student, teacher = random(0), random(1)
    found = judge(DkdSpec(teacher="m"), student, teacher, epoch=epoch)
    target, others = decoupled(student, teacher)
    assert found["target_loss"].item() == pytest.approx(target, rel=1e-12)
    assert found["non_target_loss"].item() == pytest.approx(others, rel=1e-12)
    wanted = cross_entropy(student.tolist()) + warmth * (target + 8 * others)
    assert found["loss"].item() == pytest.approx(wanted, rel=1e-12)


def test_dkd_without_a_warm_up_begins_whole():
    student, teacher = random(0), random(1)
    found = judge(DkdSpec(teacher="m", warmup_epochs=0), student, teacher)
    target, others = decoupled(student, teacher)
    assert found["loss"].item() == pytest.approx(cross_entropy(student.tolist()) + target + 8 * others, rel=1e-12)


def test_dkd_holds_where_an_answer_is_certain():
    """1 - p rounds to 0 there; the loss and its gradient stay finite."""
    student, teacher = torch.zeros(ROWS, CLASSES), torch.zeros(ROWS, CLASSES)
    student[0, 0] = teacher[1, 3] = 1e4
    student.requires_grad_()
    loss = judge(DkdSpec(teacher="m"), student, teacher, epoch=30)["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("spec", [KdSpec(teacher="m"), DkdSpec(teacher="m"), TfKdSelfSpec(teacher="m")])
def test_teacher_gets_no_gradient_and_sees_what_the_student_sees(spec):
    student, teacher = random(0), random(1)
    network = Scripted(outputs(student), teacher=teacher)
    given = batch(LABELS, epoch=30)
    judging.build(spec).judge(given, network).losses["loss"].backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0
    assert [asked is given.images_BCHW for asked in network.asked] == [True, True]


@pytest.mark.parametrize("spec", [KdSpec(teacher="m", ce_weight=0), TfKdSelfSpec(teacher="m", alpha=1)])
def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn_from_it(spec):
    student = random(0)
    loss = judge(spec, student, student.detach().clone())["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert student.grad.abs().max() < 1e-12
