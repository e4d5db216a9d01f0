"""Which formats there are, and what is said where one cannot be made."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from contract.formats import FORMATS
from tests.trainer.conftest import body
from trainer import __main__ as command
from trainer.errors import TrainerError
from trainer.export import formats


def test_format_without_its_packages_is_refused_with_the_line_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terms = replace(FORMATS["litert"], packages=("onnxruntime", "no-such-package"))
    monkeypatch.setitem(FORMATS, "litert", terms)
    with pytest.raises(TrainerError, match="litert files: no-such-package not installed") as raised:
        formats.choose("litert")
    assert raised.value.error.code == "missing_dependency"
    assert "pip install 'patchswap[litert]'" in raised.value.error.remediation


def test_training_does_not_begin_for_a_file_that_could_not_be_made(
    digits_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "coreml", replace(FORMATS["coreml"], packages=("no-such-package",)))
    (tmp_path / "spec.json").write_text(json.dumps(body(exports=[{}, {"format": "coreml"}])))
    arguments = ["train", tmp_path / "spec.json", "--pack", digits_folder, "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
    with pytest.raises(TrainerError, match="coreml files: no-such-package") as raised:
        next(command._messages(command._arguments(), None, torch.device("cpu")))
    assert raised.value.error.code == "missing_dependency"
    assert not (tmp_path / "out").exists()
