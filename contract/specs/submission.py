"""A spec where a person submits it: one that names no recipe is laid over the default recipe of its dataset."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from contract.pack.manifest import PackManifest
from contract.specs.budget import POINTER, fit
from contract.specs.estimate import Estimate, estimate
from contract.specs.job import JobSpec
from contract.specs.pace import Pace
from contract.specs.recipes import DEFAULTS, merge
from contract.specs.recipes.chosen import Chosen
from contract.specs.recipes.fine_tuning import choose
from contract.specs.resolution import parse, resolve
from contract.specs.violations import SpecInvalid, Violation
from contract.weights import WeightsCard


class Submission(NamedTuple):
    spec: JobSpec
    chosen: Chosen | None = None  # None where the body names a recipe, or null for none


def names_recipe(body: Mapping[str, Any]) -> bool:
    """Null counts: it asks for the default of each field."""
    return "recipe" in body


def lay_out(
    body: Mapping[str, Any], manifest: PackManifest, *, at_hand: Mapping[str, WeightsCard], pace: Pace
) -> Submission:
    """The body over its recipe, or over the default one. Raises SpecInvalid."""
    body = _with_named_method(body)
    asked = parse(body)
    seconds = asked.budget_seconds
    if names_recipe(body):
        if seconds is not None:
            message = "A budget works only with the default recipe. Leave recipe out, or leave this out."
            raise SpecInvalid([Violation(pointer=POINTER, code="budget_with_recipe", message=message)])
        return Submission(asked)
    chosen = choose(manifest, body, at_hand=at_hand, pace=pace)

    def estimated(tried: Chosen) -> Estimate:
        resolved, _ = resolve(_over(tried, body), manifest, at_hand)
        return estimate(resolved, manifest, pace)

    if seconds is not None:
        chosen = fit(chosen, body, seconds, estimated)
    return Submission(_over(chosen, body), chosen)


def _over(chosen: Chosen, body: Mapping[str, Any]) -> JobSpec:
    return parse(merge(chosen.spec, body))


def _with_named_method(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of a method without its name are patch swap's, whatever method the default recipe names."""
    method = body.get("method")
    return {**body, "method": DEFAULTS["method"] | method} if isinstance(method, dict) else body
