"""`python -m trainer weights`: writes the tensors that fit as safetensors, and reports or refuses the rest."""

import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from contract.results.weights_found import WeightsFound
from contract.specs import ModelSpec
from tests.trainer.runs import finish, start
from trainer import models, pushed_weights
from trainer.errors import TrainerError


def saved(folder: Path, tensors: dict[str, torch.Tensor]) -> Path:
    path = folder / "net.safetensors"
    safetensors.torch.save_file(tensors, path)
    return path


def tensors_of(architecture: str, *, stem: str = "imagenet", channels: int = 3, classes: int = 7):
    spec = ModelSpec(architecture=architecture, stem=stem, pretrained=None)
    return dict(models.build(spec, num_classes=classes, channels=channels).state_dict())


def read(file: Path, architecture: str, out: Path) -> WeightsFound:
    out.mkdir(exist_ok=True)
    list(pushed_weights.read(file, architecture, out))
    return WeightsFound.model_validate_json((out / "weights.json").read_bytes())


def refusal(file: Path, architecture: str, out: Path):
    with pytest.raises(TrainerError) as refused:
        read(file, architecture, out)
    assert not (out / "model.safetensors").exists()
    return refused.value.error


@pytest.mark.parametrize(("stem", "channels"), [("small", 1), ("imagenet", 3)])
def test_stem_channels_and_classes_are_read_from_the_shapes(tmp_path: Path, stem: str, channels: int) -> None:
    tensors = tensors_of("resnet18", stem=stem, channels=channels)
    found = read(saved(tmp_path, tensors), "resnet18", tmp_path / "out")
    assert (found.stem, found.channels, found.num_classes) == (stem, channels, 7)
    left = safetensors.torch.load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(left[name], tensors[name]) for name in left)
    assert len(left) == 102


def test_half_precision_is_widened(tmp_path: Path) -> None:
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in tensors_of("mobilenet_v2").items()}
    read(saved(tmp_path, tensors), "mobilenet_v2", tmp_path / "out")
    left = safetensors.torch.load_file(tmp_path / "out" / "model.safetensors")
    assert {tensor.dtype for tensor in left.values()} == {torch.float32}


def test_weights_of_another_network_are_refused_with_their_report(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, tensors_of("resnet18")), "efficientnet_lite0", tmp_path / "out")
    assert error.code == "weights_unfit"
    assert "% of the tensors of efficientnet_lite0; half are needed" in error.message
    report = json.loads((tmp_path / "out" / "weights.json").read_text())["report"]
    assert "conv_stem.weight" in report["missing"]


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    tensors = tensors_of("mobilenet_v2")
    tensors["features.3.conv.0.0.weight"][0, 0] = torch.nan
    error = refusal(saved(tmp_path, tensors), "mobilenet_v2", tmp_path / "out")
    assert error.code == "weights_unreadable"
    assert "features.3.conv.0.0.weight" in error.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04not a pickle that anybody opens",
        pickle.dumps({"conv1.weight": [1.0]}),
        (2**40).to_bytes(8, "little") + b"{}",
        (90).to_bytes(8, "little")
        + b'{"conv1.weight": {"dtype": "F32", "shape": [999999, 999999], "data_offsets": [0, 4]}}'.ljust(90)
        + bytes(4),
    ],
)
def test_what_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(content)
    assert refusal(file, "resnet18", tmp_path / "out").code == "weights_unreadable"


@pytest.mark.parametrize("name", ["conv1\0.weight", "a" * 301, "\x1b[2Jconv"])
def test_names_that_no_network_has_are_refused(tmp_path: Path, name: str) -> None:
    error = refusal(saved(tmp_path, {name: torch.zeros(1)}), "resnet18", tmp_path / "out")
    assert error.message.isprintable()
    assert "is no name of a tensor" in error.message


def test_more_tensors_than_any_network_has_are_refused(tmp_path: Path) -> None:
    file = saved(tmp_path, {str(number): torch.zeros(1) for number in range(10_001)})
    assert "10001 tensors" in refusal(file, "resnet18", tmp_path / "out").message


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    assert refusal(saved(tmp_path, {}), "resnet19", tmp_path / "out").code == "spec_invalid"
    assert "Check its name" in refusal(saved(tmp_path, {}), "timm:resnet19", tmp_path / "out").message


def test_a_network_of_timm_takes_weights_too(tmp_path: Path) -> None:
    found = read(saved(tmp_path, tensors_of("timm:test_efficientnet")), "timm:test_efficientnet", tmp_path / "out")
    assert (found.num_classes, found.channels, found.report.missing) == (7, 3, [])


def test_it_runs_as_a_confined_process(tmp_path: Path) -> None:
    file = saved(tmp_path, tensors_of("mobilenet_v2"))
    (tmp_path / "out").mkdir()
    command = ["weights", "--in", file, "--architecture", "mobilenet_v2", "--out", tmp_path / "out"]
    status, said, complaints = finish(start(command))
    assert status == 0, complaints
    assert said[-1].files == {"weights": "model.safetensors", "report": "weights.json"}
