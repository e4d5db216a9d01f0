"""The trained weights as a safetensors file: what `train` publishes, `evaluate` and `export` read."""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from contract.pack.manifest import PackManifest
from contract.specs import ResolvedSpec
from trainer import tasks
from trainer.errors import ended
from trainer.machine import durable
from trainer.models import widths


def save(weights: Mapping[str, Tensor], path: Path) -> None:
    """A network's `state_dict`. The bytes depend on the weights alone, so equal networks have equal sha256."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    durable.write(path, safetensors.torch.save(tensors))


def load_model(spec: ResolvedSpec, manifest: PackManifest, path: Path) -> nn.Module:
    """The network of a spec and its weights, in evaluation mode, on the CPU; as narrow as the weights are.

    Raises TrainerError without a file.
    """
    if not path.is_file():
        raise ended("weights_missing", f"There are no trained weights at {path}.")
    model = tasks.choose(spec.task).build_model(spec, manifest)
    tensors = safetensors.torch.load_file(path)
    widths.fit(model, tensors)
    model.load_state_dict(tensors)
    return model.eval()


def all_finite(weights: Mapping[str, Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in weights.values())
