"""torch.compile where it is asked for; training goes on without it where the compiler fails."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import run_here
from tests.trainer.training.test_resume import weights_digest
from trainer.data.pack import Pack

COMPILED = body()["training"] | {"compile": "on"}


def told(said: list) -> list[tuple[str, str]]:
    return [(message.code, message.severity) for message in said if message.type == "notice"]


@pytest.mark.slow  # a minute of compiling
def test_a_compiled_network_trains_to_about_the_same_loss(digits: Pack, tmp_path: Path) -> None:
    torch.compiler.reset()
    said = run_here(spec_for(digits, training=COMPILED), digits, tmp_path / "compiled")
    plain = run_here(spec_for(digits), digits, tmp_path / "plain")
    assert told(said) == [("compiled", "info")]
    first, expected = (next(m for m in each if m.type == "metrics").values["train.loss"] for each in (said, plain))
    assert first == pytest.approx(expected, rel=0.05)
    assert said[-1].type == "done"


def test_a_compiler_that_fails_is_left_and_changes_nothing(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_to_nothing(self, *given, **options):
        self._compiled_call_impl = fail

    def fail(*given):
        raise RuntimeError("no C++ compiler was found")

    with monkeypatch.context() as patch:
        patch.setattr(nn.Module, "compile", compile_to_nothing)
        said = run_here(spec_for(digits, training=COMPILED), digits, tmp_path / "failed")
    assert told(said) == [("compile_failed", "warning")]
    assert "no C++ compiler" in next(m.message for m in said if m.type == "notice")
    run_here(spec_for(digits), digits, tmp_path / "plain")
    assert weights_digest(tmp_path / "failed") == weights_digest(tmp_path / "plain")


def test_auto_does_not_compile_on_a_cpu(digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given, **options):
        raise AssertionError("compiled")

    monkeypatch.setattr(nn.Module, "compile", never)
    assert told(run_here(spec_for(digits), digits, tmp_path)) == []
