"""The lines of a model card that open the trained weights give, run as they stand, the network that was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from contract.specs import parse, resolve
from tests.data import masked
from tests.trainer.conftest import spec_for
from trainer import tasks
from trainer.data.pack import Pack, open_pack
from trainer.export.bundle import loading


def run(lines: list[str]) -> torch.nn.Module:
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    return names["net"]


@pytest.mark.parametrize("stem", ["small", "imagenet"])
@pytest.mark.parametrize(
    "architecture", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x1_0", "mobilenetv4_conv_small", "resnet20"]
)
def test_classifier_is_opened_by_the_library_it_is_of(
    digits: Pack, tmp_path: Path, architecture: str, stem: str
) -> None:
    spec = spec_for(digits, model={"architecture": architecture, "stem": stem, "pretrained": None})
    trained = tasks.choose(spec.task).build_model(spec, digits.manifest).eval()
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    opened = run(loading.lines(spec, digits.manifest, str(tmp_path / "model.safetensors")))
    images = torch.rand(2, digits.manifest.channels, 32, 32)
    with torch.inference_mode():
        assert torch.equal(opened(images), trained(images))


def test_other_networks_are_opened_by_what_trained_them(tmp_path: Path) -> None:
    masked.shapes(tmp_path / "pack", size=32, counts=(8, 6, 4))
    pack = open_pack(tmp_path / "pack")
    spec, _ = resolve(parse({"dataset": "dsv_test", "training": {"epochs": 1, "pairs_per_batch": 4}}), pack.manifest)
    trained = tasks.choose(spec.task).build_model(spec, pack.manifest).eval()
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    lines = loading.lines(spec, pack.manifest, str(tmp_path / "model.safetensors"))
    assert lines[0].startswith("# In a checkout of patchswap")
    with torch.inference_mode():
        assert torch.equal(run(lines)(torch.ones(1, 3, 32, 32)), trained(torch.ones(1, 3, 32, 32)))


def test_pruned_network_is_as_narrow_as_its_weights(digits: Pack, tmp_path: Path) -> None:
    spec = spec_for(digits, compression={"pruning": {"target_macs_share": 0.5}})
    narrow = tasks.choose(spec.task).build_model(spec, digits.manifest).state_dict()
    narrow["fc.weight"] = narrow["fc.weight"][:, :48].contiguous()
    save_file(narrow, tmp_path / "model.safetensors")
    lines = loading.lines(spec, digits.manifest, str(tmp_path / "model.safetensors"))
    assert "widths.fit(net, tensors)" in lines
    assert run(lines).fc.weight.shape == (10, 48)
