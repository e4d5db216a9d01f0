"""The formulas of the methods' papers with loops and math alone, for lists of numbers: what the methods are held to."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Row = Sequence[float]
Rows = Sequence[Row]


def softmax(row: Row, temperature: float = 1.0) -> list[float]:
    exponentials = [math.exp(value / temperature) for value in row]
    return [value / sum(exponentials) for value in exponentials]


def soft_cross_entropy(logits: Rows, targets: Rows) -> float:
    """Mean over the rows."""
    pairs = zip(logits, targets, strict=True)
    return sum(-q * math.log(p) for z, target in pairs for p, q in zip(softmax(z), target, strict=True)) / len(logits)


def cross_entropy(logits: Rows, labels: Sequence[int]) -> float:
    return sum(-math.log(softmax(row)[label]) for row, label in zip(logits, labels, strict=True)) / len(logits)


def divergence(teacher: Row, student: Row) -> float:
    """KL of two distributions, in nats."""
    return sum(p * math.log(p / q) for p, q in zip(teacher, student, strict=True))


def distillation(student: Rows, teacher: Rows, temperature: float) -> float:
    """Temperature squared times the mean KL(teacher || student) of softened logits."""
    pairs = zip(softened(teacher, temperature), softened(student, temperature), strict=True)
    return temperature**2 * sum(divergence(p, q) for p, q in pairs) / len(student)


def softened(logits: Rows, temperature: float) -> list[list[float]]:
    return [softmax(row, temperature) for row in logits]


def gradient(function: Callable[[NDArray[np.float64]], float], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """By central differences; good to about nine digits."""
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = 1e-5
        found[index] = (function(at + step) - function(at - step)) / 2e-5
    return found
