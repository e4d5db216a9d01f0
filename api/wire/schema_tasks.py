"""Which choices of a job spec are for which task, written into its JSON Schema as `x-tasks`."""

from __future__ import annotations

import copy
from typing import Any

from contract.specs.methods import Method
from contract.tasks import TERMS

Schema = dict[str, Any]

_IMAGES, _SCENES = ["classification"], ["segmentation", "detection"]
# The fields that contract.specs.checks takes for these tasks only.
FIELDS: dict[tuple[str, str], list[str]] = {
    ("AugmentationSpec", "crop_padding"): _IMAGES,
    ("AugmentationSpec", "random_resized_crop"): _IMAGES,
    ("AugmentationSpec", "closing_crop"): _IMAGES,
    ("AugmentationSpec", "color_jitter"): _IMAGES,
    ("AugmentationSpec", "trivial_augment"): _IMAGES,
    ("AugmentationSpec", "random_erasing"): _IMAGES,
    ("AugmentationSpec", "scale_jitter"): _SCENES,
    ("AugmentationSpec", "photometric"): _SCENES,
    ("TrainingSpec", "class_balance"): _IMAGES,
    ("TrainingSpec", "tiles"): _SCENES,
    ("EvaluationSpec", "robustness"): _IMAGES,
}


def with_tasks(schema: Schema) -> Schema:
    """The same schema, where networks and formats have their names by task, methods and some fields their tasks.

    A choice that is under no task, as `auto`, is for all of them.
    """
    changed = copy.deepcopy(schema)
    definitions = changed["$defs"]
    network, form = _field(definitions, "ModelSpec", "architecture"), _field(definitions, "ExportSpec", "format")
    network["x-tasks"] = {task: list(terms.architectures) for task, terms in TERMS.items()}
    form["x-tasks"] = {task: list(terms.formats) for task, terms in TERMS.items()}
    for method in _methods(Method):
        if method.__name__ in definitions:
            definitions[method.__name__]["x-tasks"] = list(method.tasks)
    for (definition, field), tasks in FIELDS.items():
        _field(definitions, definition, field)["x-tasks"] = tasks
    return changed


def _field(definitions: dict[str, Schema], name: str, field: str) -> Schema:
    found: Schema = definitions[name]["properties"][field]
    return found


def _methods(kind: type[Method]) -> list[type[Method]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _methods(child))]
