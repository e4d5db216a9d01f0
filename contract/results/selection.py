"""Which of a job's two networks is published. Validation decides; the split that figures are reported on never does."""

from collections.abc import Mapping
from typing import Any

from contract.child.messages import Arm
from contract.results.evaluation import Evaluation, Selection
from contract.specs.job import SelectionRule
from contract.tasks import TERMS


def choose(rule: SelectionRule, main: Evaluation, control: Evaluation) -> Selection:
    """The arm to publish. On a tie, or without a validation split, it is the main arm."""
    task = main.splits[main.evaluation_split].task
    metric = TERMS[task].validated[0]
    ours, theirs = (arm.splits.get("val") for arm in (main, control))
    name = metric.removeprefix("val.")
    values = (getattr(ours, name), getattr(theirs, name)) if ours and theirs else None
    takes_control = rule == "better" and values is not None and values[1] > values[0]
    found = Selection(
        arm="control" if takes_control else "main",
        method=control.method if takes_control else main.method,
        rule=rule,
        metric=metric,
        main=values[0] if values else None,
        control=values[1] if values else None,
        samples=ours.samples if ours else 0,
        message="",
    )
    same_images = main.evaluation_split == "val"
    return found.model_copy(update={"message": _message(found, main, control, same_images=same_images)})


def published_arm(evaluations: Mapping[Any, Any]) -> Arm:
    """Whose weights a model has, from its evaluations by arm, as `Evaluation` or as JSON.

    Those of the main arm in evaluations that were stored before there was a choice.
    """
    main = evaluations["main"]
    selection = main.selection if isinstance(main, Evaluation) else main.get("selection")
    if selection is None:
        return "main"
    arm: Arm = selection.arm if isinstance(selection, Selection) else selection["arm"]
    return arm


def _message(found: Selection, main: Evaluation, control: Evaluation, *, same_images: bool) -> str:
    published = f"Published: the {'control' if found.arm == 'control' else 'main'} arm ({found.method})"
    if found.rule == "main":
        return f"{published}, because the spec says `selection: main`."
    if found.main is None or found.control is None:
        return f"{published}, because there is no validation split to choose by."
    name = TERMS[main.splits[main.evaluation_split].task].headline_name
    values = f"{main.method} {100 * found.main:.2f} %, the control ({control.method}) {100 * found.control:.2f} %"
    told = f"{published}, chosen by {name} on {found.samples:,} validation images: {values}."
    return f"{told} The figures are of the same images, so they flatter the published arm." if same_images else told
