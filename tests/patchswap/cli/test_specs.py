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


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("int8", {"precision": "int8"}),
        ("int8,max_drop=1", {"precision": "int8", "constraints": {"max_drop_points": 1}}),
        ("openvino, fp16", {"format": "openvino", "precision": "fp16"}),
        (
            "onnx,opset=19,max_bytes=500000,max_latency_ms=2.5",
            {"format": "onnx", "opset": 19, "constraints": {"max_bytes": 500_000, "max_latency_ms": 2.5}},
        ),
    ],
)
def test_an_export_is_a_precision_a_format_and_limits(text: str, wanted: dict[str, Any]):
    assert specs.export(text) == wanted


@pytest.mark.parametrize("text", ["", "int8,", "int8,max_drop", "int8,max_drop=", "int8,drop=1", "int8,max_drop=1,=2"])
def test_an_export_of_unknown_settings_is_refused_with_those_known(text: str):
    with pytest.raises(BadInput, match=r"int8,max_drop=1. It knows: max_drop, max_bytes"):
        specs.export(text)
