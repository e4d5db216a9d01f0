"""What the model card says of attacks and corruptions: figures of the trained network, and what was left out."""

from collections.abc import Iterator
from typing import Any

from trainer.export.bundle.facts import Facts, percent

_ATTACKS = {"fgsm": "FGSM, one step", "pgd": "PGD, ten steps"}
_CORRUPTIONS = "corruptions"


def section(facts: Facts) -> str:
    """Empty where the job measured none."""
    found = facts.held_out.robustness
    if not found:
        return ""
    rows = [row for name, title in _ATTACKS.items() if name in found for row in _attack(title, found[name])]
    if _CORRUPTIONS in found:
        rows += _corruptions(found[_CORRUPTIONS])
    lines = [f"| {name} | {samples:,} | {percent(accuracy)} |" for name, samples, accuracy in rows]
    return f"""## Robustness
Of the trained network; this file itself was not attacked. "Untouched" is of the same images as the rows below it.

| | images | top-1 % |
|---|---|---|
{chr(10).join(lines)}
"""


def not_measured(facts: Facts) -> list[str]:
    """For the list of the card's limits."""
    attacked = [title.partition(",")[0] for name, title in _ATTACKS.items() if name in facts.held_out.robustness]
    other = f"attacks on the input other than {' and '.join(attacked)}" if attacked else "attacks on the input"
    return [other] if _CORRUPTIONS in facts.held_out.robustness else [other, "noise, blur and other corruptions"]


def _attack(title: str, found: dict[str, Any]) -> Iterator[tuple[str, int, float]]:
    yield from _untouched(found)
    for strength in found["strengths"]:
        pixels = round(255 * strength["epsilon"])
        yield f"{title}, pixels moved by {pixels}/255", found["samples"], strength["top1_accuracy"]


def _corruptions(found: dict[str, Any]) -> Iterator[tuple[str, int, float]]:
    yield from _untouched(found)
    yield "corruptions, mean of all families and severities", found["samples"], found["mean_top1_accuracy"]


def _untouched(found: dict[str, Any]) -> Iterator[tuple[str, int, float]]:
    if "clean_top1_accuracy" in found:  # evaluations of older releases lack it
        yield "untouched", found["samples"], found["clean_top1_accuracy"]
