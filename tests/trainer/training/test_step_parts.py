"""A step in parts: the same gradient where nothing looks across the batch, smaller parts where memory is short."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import run_here
from trainer import models
from trainer.data.pack import Pack
from trainer.tasks.classification.methods.patch_swap import PatchSwap
from trainer.training import loop
from trainer.training.step_parts import divide


@given(st.integers(1, 300), st.integers(1, 8), st.integers(1, 40))
def test_parts_are_the_step_without_gap_or_overlap(groups: int, devices: int, accumulate: int) -> None:
    parts = [
        part for rank in range(devices) for part in divide(groups, devices=devices, rank=rank, accumulate=accumulate)
    ]
    assert [at for part in parts for at in range(part.start, part.stop)] == list(range(groups))
    sizes = {part.stop - part.start for part in parts}
    assert max(sizes) - min(sizes) <= 1
    assert sum(part.share for part in parts) == pytest.approx(1)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(out / "main" / "model.safetensors")


def without_batch_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    build = models.build

    def build_plain(*given, **options):
        model = build(*given, **options)
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(parent, name, nn.Identity())
        return model

    monkeypatch.setattr(models, "build", build_plain)


@pytest.mark.parametrize("accumulate", [2, 3])
@pytest.mark.parametrize("method", ["patch_swap", "dlb"])
def test_parts_give_the_step_undivided_where_there_is_no_batch_norm(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int, method: str
) -> None:
    without_batch_norm(monkeypatch)
    said = {}
    for parts in (1, accumulate):
        asked = body()["training"] | {"accumulate": parts}
        optimizer = {"learning_rate": 0.01, "schedule": "constant"}
        spec = spec_for(digits, training=asked, optimizer=optimizer, method={"name": method})
        said[parts] = run_here(spec, digits, tmp_path / str(parts))
    for name, tensor in weights(tmp_path / "1").items():
        torch.testing.assert_close(weights(tmp_path / str(accumulate))[name], tensor, rtol=1e-4, atol=1e-5)
    whole, divided = ([m.values["train.loss"] for m in said[p] if m.type == "metrics"] for p in (1, accumulate))
    assert divided == pytest.approx(whole, abs=1e-5)


def test_short_memory_divides_the_step_and_says_so(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated: a part of more than 8 images does not fit, from the third step on."""

    def judge(self, batch, network):
        if batch.step >= 2 and len(batch.labels_B) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        seen.append((batch.step, len(batch.labels_B)))
        return as_ever(self, batch, network)

    as_ever, seen = PatchSwap.judge, []
    monkeypatch.setattr(PatchSwap, "judge", judge)
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    spec = spec_for(digits)
    assert run_here(spec, digits, tmp_path, stop_at=3)[-1].type == "stopped"
    said = run_here(spec, digits, tmp_path)  # the division lasts over an interruption

    assert said[-1].type == "done"
    assert seen == [(0, 32), (1, 32)] + [(step, 8) for step in (2, 3, 4, 5) for _ in range(4)]
    assert not [m for m in said if m.type == "notice"]
    assert json.loads((tmp_path / "main" / "train.json").read_text())["steps"] == 6


def test_notices_of_a_divided_step_name_the_parts(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(self, batch, network):
        if len(batch.labels_B) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return as_ever(self, batch, network)

    as_ever = PatchSwap.judge
    monkeypatch.setattr(PatchSwap, "judge", judge)
    said = run_here(spec_for(digits), digits, tmp_path)
    notices = [m for m in said if m.type == "notice"]
    assert [(m.code, m.severity, m.data["accumulate"]) for m in notices] == [
        ("batch_divided", "warning", 2),
        ("batch_divided", "warning", 4),
    ]
    assert said[-1].type == "done"


def test_memory_that_a_single_group_exceeds_ends_the_run(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(self, batch, network):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(PatchSwap, "judge", judge)
    with pytest.raises(torch.OutOfMemoryError):
        run_here(spec_for(digits), digits, tmp_path)
