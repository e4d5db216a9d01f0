"""--spec and --set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchswap.cli import specs
from patchswap.errors import BadInput


def test_values_are_json_where_they_can_be_and_text_otherwise():
    spec: dict[str, Any] = {"training": {"epochs": 1, "precision": "fp32"}}
    assigned = [
        "training.epochs=5",
        "method.name=patch_swap",
        "control=true",
        "labels.a=b=c",
        "optimizer.milestones=[1,2]",
    ]
    specs.set_all(spec, assigned)
    assert spec == {
        "training": {"epochs": 5, "precision": "fp32"},
        "method": {"name": "patch_swap"},
        "control": True,
        "labels": {"a": "b=c"},
        "optimizer": {"milestones": [1, 2]},
    }


@pytest.mark.parametrize("assigned", ["epochs", "=5", ".epochs=5", "training.=5"])
def test_what_is_no_assignment_is_refused_with_an_example(assigned: str):
    with pytest.raises(BadInput, match=r"--set training\.epochs=5"):
        specs.set_all({}, [assigned])


def test_a_teacher_is_named_by_its_models_id():
    spec: dict = {}
    specs.set_all(spec, ["method.name=kd", "method.teacher=model_0199f3a2b4c57d01a2b3c4d5e6f70819"])
    assert spec == {"method": {"name": "kd", "teacher": "model_0199f3a2b4c57d01a2b3c4d5e6f70819"}}


def test_a_value_cannot_hold_a_part():
    with pytest.raises(BadInput, match="seed has a value already"):
        specs.set_all({"seed": 1}, ["seed.more=2"])


@pytest.mark.parametrize(
    ("content", "message"), [("{", "is not JSON"), ("[1]", "must hold one JSON object"), (None, "Cannot read")]
)
def test_a_spec_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None, message: str):
    if content is not None:
        (tmp_path / "spec.json").write_text(content)
    with pytest.raises(BadInput, match=f"spec.json.*{message}|{message}.*spec.json"):
        specs.read(tmp_path / "spec.json")
