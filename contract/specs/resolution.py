"""From what was asked to what will run: `auto` made concrete for a dataset, a stored spec taken as it stands.

Pure functions of a spec and a pack's manifest, so that the api, the worker and a trainer run by hand agree.
"""

from collections.abc import Mapping
from math import gcd
from typing import Annotated, Any

from pydantic import Field, ValidationError

from contract.pack.manifest import PackManifest
from contract.specs import beginning, image_size
from contract.specs.beginning import NOTHING, Origin
from contract.specs.checks import violations, warnings
from contract.specs.compression import FINE_TUNE_SHARE, LEARNING_RATE_SHARE
from contract.specs.job import JobSpec, SelectionRule
from contract.specs.methods import SwappingSpec
from contract.specs.normalisation import Normalisation
from contract.specs.recipes import DEFAULTS, RECIPES, merge
from contract.specs.recipes.chosen import Chosen
from contract.specs.training import TrainingSpec
from contract.specs.violations import SpecInvalid, SpecWarning, Violation, violations_of
from contract.strict import LATER
from contract.tasks import TERMS
from contract.weights import WeightsCard

SMALL_STEM_BELOW_PX = 64  # the 7x7/2 stem and max-pool lose several points on small images
_RESOLVED_ONLY = ("height", "width", "normalisation", "origin", "chosen")
DETECTION_WARMUP_EPOCHS = 1  # FCOS on scenes of letters: AP50 of 0.8 with it, next to nothing without


class ResolvedTraining(TrainingSpec):
    # Releases that did not say it stretched images: so are their specs read, and specs that stretch by their workers.
    fit: Annotated[image_size.Fit, LATER] = "stretch"


class ResolvedSpec(JobSpec):
    """A spec in which nothing is `auto` but the precision, which is the device's to say."""

    training: ResolvedTraining = ResolvedTraining()
    height: int
    width: int
    selection: Annotated[SelectionRule, LATER] = "main"
    # The queue's business and no training's: it is not stored, for workers of an earlier release refuse a new field.
    priority: int = Field(0, exclude=True)
    normalisation: Annotated[Normalisation | None, LATER] = None  # of pretrained weights; None: the dataset's own
    origin: Annotated[Origin | None, LATER] = None  # of the pretrained weights, for cards and bundles
    chosen: Annotated[Chosen | None, LATER] = None  # what the default recipe chose, for the report


def parse(body: Mapping[str, Any]) -> JobSpec:
    """Lay a spec over its recipe and validate its form. Raises SpecInvalid."""
    name = body.get("recipe")
    if isinstance(name, str) and name not in RECIPES:
        message = f"There is no recipe {name!r}; there are {', '.join(RECIPES)}."
        raise SpecInvalid([Violation(pointer="/recipe", code="unknown_recipe", message=message)])
    try:
        recipe = RECIPES[name].spec if isinstance(name, str) else {}
        return JobSpec.model_validate(merge(merge(DEFAULTS, recipe), body))
    except ValidationError as error:
        raise SpecInvalid(violations_of(error, body)) from error


def resolve(
    spec: JobSpec, manifest: PackManifest, at_hand: Mapping[str, WeightsCard] = NOTHING
) -> tuple[ResolvedSpec, list[SpecWarning]]:
    """Make `auto` concrete for a dataset. Raises SpecInvalid.

    `at_hand` are the pretrained weights, by id, that a job could begin with: those which are installed, and those which
    the spec names.
    """
    height, width = size = image_size.chosen_size(spec.training, manifest)
    spec = _of_task(spec, manifest)
    side = min(height, width)
    weights = beginning.choose(spec.model, at_hand, channels=manifest.channels, side=side)
    if not weights.violations:
        spec = spec.model_copy(update={"model": spec.model.model_copy(update={"pretrained": weights.pretrained})})
    found = violations(spec, manifest, height=height, width=width)
    if found or weights.violations:
        raise SpecInvalid([*found, *weights.violations])
    resolved = spec.model_dump() | {"height": height, "width": width} | weights.resolved
    fit = image_size.chosen_fit(spec.training, manifest, size)
    resolved["model"]["stem"] = _stem(spec, weights.card, side)
    resolved["selection"] = _selection(spec, manifest)
    resolved.pop("budget_seconds", None)  # spent: epochs and size keep to it
    tiles = image_size.chosen_tiles(spec.training, manifest, size)
    resolved["training"] |= {"image_size": size, "fit": fit} | ({"tiles": tiles.model_dump()} if tiles else {})
    resolved["training"]["augmentation"] |= _augmentation(spec, side)
    resolved["optimizer"]["milestones"] = _milestones(spec)
    if spec.compression.pruning:
        resolved["compression"]["pruning"] |= _fine_tuning(spec)
    if isinstance(spec.method, SwappingSpec):
        resolved["method"]["patch_size"] = _patch_size(spec.method, height=height, width=width)
    told = [*warnings(spec, manifest), *weights.warnings, *image_size.losses(manifest, size, fit, tiles)]
    return ResolvedSpec.model_validate(resolved), told


def settle(
    body: Mapping[str, Any], manifest: PackManifest, at_hand: Mapping[str, WeightsCard] = NOTHING
) -> tuple[ResolvedSpec, list[SpecWarning]]:
    """A spec where it enters a process: as it was stored, or as a person wrote it. Raises SpecInvalid.

    A stored one is held against the dataset and stays as it is. It is resolved anew where an older release stored it,
    which did not know a field that is `auto` without a value, or did not name the task.
    """
    body = _with_fit(body)
    if "height" in body:  # it was stored, and without a word on it the main arm is published
        body = {"selection": "main", **body}
    asked = parse({name: value for name, value in body.items() if name not in _RESOLVED_ONLY})
    if "height" not in body or _undecided(asked):
        return resolve(asked, manifest, at_hand)
    spec = ResolvedSpec.model_validate(body)
    found = violations(_of_task(spec, manifest), manifest, height=spec.height, width=spec.width)
    if found:
        raise SpecInvalid(found)
    losses = image_size.losses(manifest, (spec.height, spec.width), spec.training.fit, spec.training.tiles)
    return spec, [*warnings(spec, manifest), *losses]


def _with_fit(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stored spec that does not say how images are laid into its size stretches them."""
    training = body.get("training")
    if "height" not in body or not isinstance(training, Mapping) or "fit" in training:
        return body
    return {**body, "training": {**training, "fit": "stretch"}}


def _undecided(spec: JobSpec) -> bool:
    """Whether something that `resolve` makes concrete is still open."""
    if spec.task is None:
        return True
    said = spec.model_dump(exclude={"training": {"precision", "compile"}})  # those are the device's to decide
    open_groups: list[Any] = [said]
    while open_groups:
        values = open_groups.pop()
        open_groups += [value for value in values.values() if isinstance(value, dict)]
        if "auto" in [value for value in values.values() if isinstance(value, str)]:
            return True
    return False


def _of_task(spec: JobSpec, manifest: PackManifest) -> JobSpec:
    """What is left to the task, by the dataset's. Raises SpecInvalid where the spec is of another one."""
    task = manifest.task
    if spec.task not in (None, task):
        message = f"The dataset is for {task}. Leave task out, or name a dataset for {spec.task}."
        raise SpecInvalid([Violation(pointer="/task", code="task_differs", message=message)])
    changes: dict[str, Any] = {"task": task}
    if task == "detection" and "warmup_epochs" not in spec.optimizer.model_fields_set:
        changes["optimizer"] = spec.optimizer.model_copy(update={"warmup_epochs": DETECTION_WARMUP_EPOCHS})
    if spec.model.architecture == "auto":
        changes["model"] = spec.model.model_copy(update={"architecture": TERMS[task].architectures[0]})
    stopping = spec.training.early_stopping
    if stopping and stopping.metric == "auto":
        judged_by = stopping.model_copy(update={"metric": TERMS[task].validated[0]})
        changes["training"] = spec.training.model_copy(update={"early_stopping": judged_by})
    return spec.model_copy(update=changes)


def _stem(spec: JobSpec, weights: WeightsCard | None, side: int) -> str:
    if spec.model.stem != "auto":
        return spec.model.stem
    if weights is not None:
        return weights.stem
    return "small" if side < SMALL_STEM_BELOW_PX else "imagenet"


def _augmentation(spec: JobSpec, shorter_side: int) -> dict[str, Any]:
    """Classification pads and crops; the others, whose objects have sizes, are scaled."""
    asked, whole = spec.training.augmentation, spec.task == "classification"
    padding = shorter_side // 8 if whole and not asked.random_resized_crop else 0
    jitter = (1.0, 1.0) if whole else (0.5, 2.0)
    return {
        "crop_padding": padding if asked.crop_padding == "auto" else asked.crop_padding,
        "scale_jitter": jitter if asked.scale_jitter == "auto" else asked.scale_jitter,
        "photometric": not whole if asked.photometric == "auto" else asked.photometric,
    }


def _selection(spec: JobSpec, manifest: PackManifest) -> SelectionRule:
    if spec.selection != "auto":
        return spec.selection
    return "better" if spec.control and manifest.split_size("val") else "main"


def _patch_size(method: SwappingSpec, *, height: int, width: int) -> int:
    if method.patch_size != "auto":
        return method.patch_size
    common = gcd(height, width)
    limit = max(1, min(height, width) // 4)
    return max(m for m in range(1, common + 1) if common % m == 0 and m <= limit)


def _milestones(spec: JobSpec) -> tuple[int, ...]:
    if spec.optimizer.milestones != "auto":
        return spec.optimizer.milestones
    epochs = spec.training.epochs
    return tuple(sorted({max(1, epochs // 2), max(1, epochs * 3 // 4)}))


def _fine_tuning(spec: JobSpec) -> dict[str, Any]:
    """How long and how fast the pruned network is trained further."""
    pruning = spec.compression.pruning
    found: dict[str, Any] = {}
    if pruning and pruning.fine_tune_epochs == "auto":
        found["fine_tune_epochs"] = max(pruning.rounds, round(FINE_TUNE_SHARE * spec.training.epochs))
    if pruning and pruning.learning_rate == "auto":
        found["learning_rate"] = LEARNING_RATE_SHARE * spec.optimizer.learning_rate
    return found
