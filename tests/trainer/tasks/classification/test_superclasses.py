"""Errors within super-classes, counted sample by sample."""

import numpy as np
import pytest

from trainer.tasks.classification.figures import errors_within_superclasses


def test_counts_agree_with_naive_ones() -> None:
    random = np.random.default_rng(0)
    superclass = ["cat", "cat", "dog", "dog", "dog", "fish"]
    truth, said = random.integers(0, 6, 300), random.integers(0, 6, 300)
    confusion = np.zeros((6, 6), int)
    np.add.at(confusion, (truth, said), 1)
    found = errors_within_superclasses(confusion, superclass)
    wrong = [(t, s) for t, s in zip(truth, said, strict=True) if t != s]
    within = [superclass[t] == superclass[s] for t, s in wrong]
    chance = [np.mean([superclass[o] == superclass[t] for o in range(6) if o != t]) for t, _ in wrong]
    assert (found.superclasses, found.errors, found.within) == (3, len(wrong), sum(within))
    assert found.share == pytest.approx(np.mean(within))
    assert found.share_by_chance == pytest.approx(np.mean(chance))
    right = [superclass[t] == superclass[s] for t, s in zip(truth, said, strict=True)]
    assert found.superclass_accuracy == pytest.approx(np.mean(right))


def test_net_without_errors_has_no_share() -> None:
    found = errors_within_superclasses(np.diag([3, 4]), ["a", "b"])
    assert (found.errors, found.share, found.share_by_chance, found.superclass_accuracy) == (0, None, None, 1.0)
