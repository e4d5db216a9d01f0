"""Whether errors stay within the super-class of the truth (the paper's Figure 2 [V, its caption]).

Beside the share of such errors stands what chance would give, which is ours [U]: with few or uneven super-classes a
high share says little by itself.
"""

from typing import Any

import numpy as np

from contract.results.evaluation import SuperclassErrors


def errors(confusion: Any, superclass_of: list[str]) -> SuperclassErrors:
    """From counts (K, K), truth by prediction, and the super-class of each class."""
    names, numbers = np.unique(superclass_of, return_inverse=True)
    related = numbers[:, None] == numbers[None, :]
    wrong = np.where(np.eye(len(numbers), dtype=bool), 0, confusion)
    total, within = int(wrong.sum()), int(wrong[related].sum())
    by_chance = wrong.sum(axis=1) @ (related.sum(axis=1) - 1) / (len(numbers) - 1)
    return SuperclassErrors(
        superclasses=len(names),
        errors=total,
        within=within,
        share=within / total if total else None,
        share_by_chance=float(by_chance) / total if total else None,
        superclass_accuracy=float(confusion[related].sum() / confusion.sum()),
    )
