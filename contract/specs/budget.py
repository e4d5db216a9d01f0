"""The default recipe made shorter, and its images smaller, until a training fits into a time."""

from collections.abc import Callable, Mapping
from typing import Any

from contract.specs.estimate import Estimate
from contract.specs.recipes import merge
from contract.specs.recipes.chosen import Chosen
from contract.specs.recipes.fine_tuning import with_epochs
from contract.specs.violations import SpecInvalid, Violation

POINTER = "/budget_seconds"
SIDES = (224, 192, 160, 128, 96)  # px; smaller photographs are hardly recognised
CAUTION = {"measured": 1.0, "scaled": 1.2, "multiply_adds": 1.5}  # times the estimate must fit
FEW_EPOCHS = 3  # rather than fewer, images are made smaller

Estimated = Callable[[Chosen], Estimate]


def fit(chosen: Chosen, given: Mapping[str, Any], seconds: int, estimated: Estimated) -> Chosen:
    """Keeps what the submission gave. Raises SpecInvalid where even the shortest training takes longer.

    Time that was measured is taken as it is; what was not measured is taken as longer than estimated.
    """
    own = given.get("training", {}).get("epochs")
    most = own or chosen.spec["training"]["epochs"]
    sizes = _sizes(chosen, given)
    for size, least in [*((size, own or min(FEW_EPOCHS, most)) for size in sizes), (sizes[-1], own or 1)]:
        longest = _with(chosen, size, most)
        epochs = _epochs_within(seconds, estimated(longest), most)
        if epochs >= least:
            tried = _with(chosen, size, most if own else epochs)
            return _told(chosen, tried, estimated(tried), seconds)
    raise SpecInvalid([_too_short(estimated(_with(chosen, sizes[-1], own or 1)), seconds)])


def _sizes(chosen: Chosen, given: Mapping[str, Any]) -> list[int | None]:
    """Those that may be tried, the largest first. None: the size is not the recipe's to change."""
    own = chosen.spec["training"].get("image_size")
    if own is None or "image_size" in given.get("training", {}):
        return [None]
    return [own, *(side for side in SIDES if side < own)]


def _with(chosen: Chosen, size: int | None, epochs: int) -> Chosen:
    size_too = {} if size is None else {"training": {"image_size": size}}
    return with_epochs(chosen.model_copy(update={"spec": merge(chosen.spec, size_too)}), epochs)


def _epochs_within(seconds: int, longest: Estimate, epochs: int) -> int:
    """How many of `longest`'s epochs the time has room for, all of them where it has."""
    left = seconds / _caution(longest) - longest.other_seconds
    return max(0, min(epochs, int(epochs * left / longest.train_seconds)))


def _caution(found: Estimate) -> float:
    return CAUTION[found.basis]


def _told(chosen: Chosen, tried: Chosen, found: Estimate, seconds: int) -> Chosen:
    before, after = chosen.spec["training"], tried.spec["training"]
    changes = [
        f"the {name} from {before[key]} to {after[key]}{unit}"
        for key, name, unit in (("epochs", "epochs", ""), ("image_size", "image size", " px"))
        if key in after and before.get(key) != after[key]
    ]
    did = f"changed {' and '.join(changes)}" if changes else "needed no change"
    reason = f"The budget of {seconds:,} s {did}: {found.seconds_low:,.0f} to {found.seconds_high:,.0f} s are expected."
    return tried.model_copy(update={"reasons": (*tried.reasons, reason)})


def _too_short(shortest: Estimate, seconds: int) -> Violation:
    message = (
        f"{seconds:,} s are too short: with your settings the shortest training needs about "
        f"{_caution(shortest) * shortest.seconds:,.0f} s. Give that much, fewer exports or a smaller network."
    )
    return Violation(pointer=POINTER, code="budget_too_short", message=message)
