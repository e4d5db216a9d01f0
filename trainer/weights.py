"""The trained weights as a safetensors file: what `train` publishes, `evaluate` and `export` read."""

from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from core.spec import PackManifest, ResolvedSpec
from trainer import durable, tasks
from trainer.errors import missing_weights

FILE_NAME = "model.safetensors"


def save(model: nn.Module, path: Path) -> None:
    """The bytes depend on the weights alone, so equal networks have equal sha256."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    durable.write(path, safetensors.torch.save(tensors))


def load_model(spec: ResolvedSpec, manifest: PackManifest, path: Path) -> nn.Module:
    """The network of a spec and its weights, in evaluation mode, on the CPU. Raises TrainerError without a file."""
    if not path.is_file():
        raise missing_weights(str(path))
    model = tasks.choose(spec.task).build_model(spec, manifest)
    model.load_state_dict(safetensors.torch.load_file(path))
    return model.eval()


def all_finite(model: nn.Module) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
