"""Confident learning against the definition, image by image."""

import numpy as np
import pytest

from trainer.statistics import confident_learning


def naive(labels: list[int], rows: list[list[float]], classes: int) -> list[tuple[int, int]]:
    """Suspects and what is suggested, by Northcutt et al. 2021, equations 1 and 2."""
    thresholds = []
    for one in range(classes):
        mine = [row[one] for row, label in zip(rows, labels, strict=True) if label == one]
        thresholds.append(sum(mine) / len(mine) if mine else 2.0)
    found = []
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        above = [one for one in range(classes) if row[one] >= thresholds[one]]
        if above and (best := max(above, key=row.__getitem__)) != label:
            others = [value for one, value in enumerate(row) if one != label]
            found.append((row[label] - max(others), place, best))
    return [(place, best) for _, place, best in sorted(found)]


@pytest.mark.parametrize("classes", [2, 4, 7])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_suspects_are_those_of_the_definition(classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.3), 300)
    labels = np.where(random.random(300) < 0.7, probabilities.argmax(axis=1), random.integers(0, classes, 300))
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")
    every = np.arange(300)
    found = confident_learning.suspects(
        labels, probabilities[every, labels], likeliest, np.take_along_axis(probabilities, likeliest, 1), classes
    )
    expected = naive(labels.tolist(), probabilities.tolist(), classes)
    assert list(zip(found.places.tolist(), found.suggested.tolist(), strict=True)) == expected
    assert len(expected) > 20
    np.testing.assert_array_equal(found.probability, probabilities[found.places, found.suggested])


def test_class_without_images_is_never_suggested() -> None:
    probabilities = np.array([[0.05, 0.95], [0.9, 0.1]])
    likeliest = np.array([[1, 0], [0, 1]])
    ranked = np.take_along_axis(probabilities, likeliest, 1)
    found = confident_learning.suspects(np.array([0, 0]), probabilities[:, 0], likeliest, ranked, 2)
    assert not len(found.places)
