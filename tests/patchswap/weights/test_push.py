"""`patchswap weights push`: PyTorch files are converted here, unrun; safetensors goes as it is."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from contract.specs import ModelSpec
from patchswap.client import Client
from patchswap.errors import BadInput, MissingExtra, WeightsUnsuccessful
from patchswap.weights import conversion
from tests.conftest import forget_settings
from trainer import models
from worker.liveness import shutdown
from worker.tasks.turn import run_next

DESCRIBED = {"architecture": "resnet20", "licence": "CC0-1.0", "source": "a colleague"}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "300")
    forget_settings()
    shutdown.forget()


def network() -> dict[str, torch.Tensor]:
    spec = ModelSpec(architecture="resnet20", stem="small", pretrained=None)
    return dict(models.build(spec, num_classes=3, channels=3).state_dict())


@pytest.mark.parametrize("wrapped", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_checkpoint_becomes_ready_weights(client: Client, reader: None, tmp_path: Path, wrapped: bool):
    state = network()
    content = {"epoch": 3, "optimizer": {"lr": 0.1}, "state_dict": state} if wrapped else state
    torch.save(content, tmp_path / "net.pth")
    pushed = client.weights.push(tmp_path / "net.pth", classes=["a", "b", "c"], **DESCRIBED)
    assert (pushed.status, pushed.name) == ("queued", "net")
    run_next("weights", pushed.id)
    found = pushed.wait()
    assert (found.status, found.num_classes, found.stem, found.report.missing) == ("ready", 3, "small", ())
    assert client.weights.find("net").id == pushed.id
    found.delete()
    assert [each.built_in for each in client.weights.list()] == [True] * 4


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def test_a_pickle_that_would_run_something_is_not_run(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Bomb()}, "net.pth")
    with pytest.raises(BadInput, match=r"torch\.save\(model\.state_dict\(\)"):
        client.weights.push("net.pth", **DESCRIBED)
    assert not Path("exploded").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("net.pth", b"no zip at all", "no PyTorch checkpoint|holds more than tensors"),
        ("net.pth", pickle.dumps({"a": 1}), "no PyTorch checkpoint|holds more than tensors|holds no tensors"),
        ("net.onnx", b"", "neither .safetensors nor"),
        ("net.safetensors", b"", "is empty"),
    ],
)
def test_what_cannot_be_converted_is_refused_here(client: Client, tmp_path: Path, name: str, content: bytes, said: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        client.weights.push(tmp_path / name, **DESCRIBED)
    with pytest.raises(BadInput, match=r"There is no file|Cannot read"):
        client.weights.push(tmp_path / f"absent-{name.replace('onnx', 'pth')}", **DESCRIBED)


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path):
    tied = torch.arange(4.0)
    torch.save({"a": tied, "b": tied[:2], "c": tied.reshape(2, 2).T}, tmp_path / "net.pt")
    conversion.convert(tmp_path / "net.pt", tmp_path / "net.safetensors")
    found = safetensors.torch.load_file(tmp_path / "net.safetensors")
    assert found["b"].tolist() == [0, 1]
    assert found["c"].tolist() == [[0, 2], [1, 3]]


def test_without_torch_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conversion, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"needs torch, which is not installed here\. Run `pip install torch`"):
        conversion.convert(tmp_path / "net.pth", tmp_path / "net.safetensors")


def test_weights_that_are_refused_say_why(client: Client, reader: None, tmp_path: Path):
    safetensors.torch.save_file({"something": torch.zeros(1)}, tmp_path / "net.safetensors")
    pushed = client.weights.push(tmp_path / "net.safetensors", **DESCRIBED)
    run_next("weights", pushed.id)
    with pytest.raises(WeightsUnsuccessful, match=r"0% of the tensors of resnet20; half are needed"):
        pushed.wait()
