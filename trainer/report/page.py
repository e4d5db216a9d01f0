"""The page: figures and tables put into the template, everything escaped that is not made here."""

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contract.child.messages import Arm
from trainer.report import plots, tables
from trainer.report.facts import Facts
from trainer.report.plots import CONTROL, MAIN, Line, curve_line
from trainer.report.settings import settings_as_text
from trainer.statistics.curves import thinned

_COLORS: dict[Arm, str] = {"main": MAIN, "control": CONTROL}
_PHASES = {"train": "training", "val": "validation"}
_KEYS = {
    "train.loss": "training loss",
    "val.nll": "validation NLL",
    "train.gradient_l1": "gradient",
}


def render(facts: Facts) -> str:
    """The report as HTML. Equal facts give an equal page."""
    page = Environment(
        loader=ChoiceLoader([PackageLoader("trainer.report", "."), PackageLoader(facts.view.package, ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= {
        "percent": _percent,
        "thousands": lambda number: f"{number:,}",
        "settings": settings_as_text,
    }
    return page.get_template("page.html.jinja").render(_shown(facts))


def _shown(facts: Facts) -> dict[str, Any]:
    return {
        "facts": facts,
        "view": facts.view,
        "published": facts.published,
        "beside": facts.held_out(facts.arm_beside) if facts.arm_beside else None,
        "beside_name": facts.short_name(facts.arm_beside) if facts.arm_beside else "",
        "arms": [facts.heading(arm) for arm in facts.evaluations],
        "verdict": tables.verdict(facts),
        "headline": tables.headline(facts),
        "budget": tables.budget(facts),
        "pruning": tables.pruning(facts),
        "plots": _plots(facts),
        **facts.view.details(facts),
    }


def _plots(facts: Facts) -> dict[str, Markup]:
    """Those that there is something to draw for, by name."""
    found = {}
    for binning in ("equal_width", "equal_mass"):
        if bins := _by_name(facts, lambda arm, binning=binning: facts.held_out(arm).reliability.get(binning)):
            found[binning] = plots.reliability(f"Reliability, bins of {binning.replace('_', ' ')}", bins)
    if loss := _curves(facts, {"train.loss": False, "val.nll": True}):
        found["loss"] = plots.lines("Loss by epoch", loss, x="epoch", y="nats", log=_positive(loss), whole=True)
    training, validation, axis = facts.view.accuracy
    if accuracy := _curves(facts, {training: True, validation: False}):
        found["accuracy"] = plots.lines("Accuracy by epoch", accuracy, x="epoch", y=axis, whole=True)
    if l1 := _curves(facts, {"train.gradient_l1": False}):
        found["gradient_l1"] = plots.lines(
            "Gradient by epoch", l1, x="epoch", y="mean |gradient|", log=_positive(l1), whole=True
        )
    if layers := _by_name(facts, lambda arm: facts.evaluations[arm].layer_gradients):
        found["layers"] = plots.layers("Gradient by layer", layers)
    for attack in ("fgsm", "pgd"):
        if strengths := _attacked(facts, attack):
            found[attack] = plots.lines(
                f"Accuracy under {attack.upper()}", strengths, x="strength, 1/255 of the range", y="top-1 accuracy"
            )
    return found


def _by_name(facts: Facts, figure: Any) -> dict[str, Any]:
    """Arm's name -> its figure, of the arms that have one."""
    return {facts.short_name(arm): value for arm in facts.evaluations if (value := figure(arm))}


def _curves(facts: Facts, keys: Mapping[str, bool]) -> list[Line]:
    """Lines of these metrics of both arms; those of True are thin."""
    return [
        curve_line(
            f"{_KEYS.get(key, _PHASES[key.partition('.')[0]])}, {facts.short_name(arm)}",
            _COLORS[arm],
            thinned(curves[key]),
            thin=thin,
        )
        for arm, curves in facts.curves.items()
        for key, thin in keys.items()
        if key in curves
    ]


def _called(key: str) -> str:
    return _KEYS.get(key) or _PHASES[key.partition(".")[0]]


def _positive(found: list[Line]) -> bool:
    return all(value > 0 for line in found for value in line.ys)


def _attacked(facts: Facts, attack: str) -> list[Line]:
    found = []
    for arm in facts.evaluations:
        figures = facts.held_out(arm)
        if measured := figures.robustness.get(attack):
            strengths = measured["strengths"]
            xs = [255 * strength["epsilon"] for strength in strengths]
            ys = [strength["top1_accuracy"] for strength in strengths]
            limits = [strength["confidence_interval"] for strength in strengths]
            found.append(Line(facts.short_name(arm), _COLORS[arm], xs, ys, limits=limits))
    return found


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"
