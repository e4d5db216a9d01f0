"""`x-tasks` of a field is what the checks of a job spec take it for."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from api.wire.schema_tasks import FIELDS
from contract.specs import checks, parse
from contract.tasks import TaskName
from tests.contract.specs.test_resolution import manifest

# A value of each field that asks for something.
ASKING: dict[str, Any] = {
    "/training/augmentation/crop_padding": 4,
    "/training/augmentation/random_resized_crop": [0.5, 1],
    "/training/augmentation/closing_crop": [0.6, 1],
    "/training/augmentation/color_jitter": 0.2,
    "/training/augmentation/trivial_augment": True,
    "/training/augmentation/random_erasing": 0.2,
    "/training/augmentation/scale_jitter": [0.5, 2],
    "/training/augmentation/photometric": True,
    "/training/class_balance": "sampler",
    "/training/tiles": {"shrink": 1},
    "/evaluation/robustness": ["corruptions"],
}


def tasks_of(pointer: str) -> list[str]:
    return next(tasks for (_, field), tasks in FIELDS.items() if field == pointer.rpartition("/")[2])


def asking(pointer: str) -> dict[str, Any]:
    body = ASKING[pointer]
    for name in reversed(pointer[1:].split("/")):
        body = {name: body}
    return {"dataset": "d"} | body


@pytest.mark.parametrize("task", get_args(TaskName))
@pytest.mark.parametrize("pointer", ASKING)
def test_a_field_is_refused_for_the_tasks_that_it_does_not_name(task: TaskName, pointer: str):
    classes = ["a", "b"] if task == "classification" else ["background", "a"]
    found = checks.violations(parse(asking(pointer)), manifest(task=task, classes=classes), height=64, width=64)
    refused = any((one.pointer, one.code) == (pointer, "not_of_task") for one in found)
    assert refused == (task not in tasks_of(pointer))


def test_every_field_is_tried():
    assert sorted(pointer.rpartition("/")[2] for pointer in ASKING) == sorted(field for _, field in FIELDS)
