"""A PyTorch checkpoint as safetensors, without running what is pickled in it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from patchswap.errors import BadInput, MissingExtra

_INSTALL = {"safetensors": "safetensors torch", "timm": "timm torchvision"}
CHECKPOINTS = (".pth", ".pt", ".bin", ".ckpt")
# Under which keys trainers of the field keep the tensors, the averaged ones first.
_WRAPPERS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "params",
)


def convert(path: Path, target: Path) -> None:
    """Write `target` as safetensors. Raises BadInput, or MissingExtra without torch."""
    torch = need("torch", command=f"patchswap weights push {path.name}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadInput(
            f"{path} holds more than tensors, and it would have to be run to be read. Where you trust it, write its "
            "tensors alone: `torch.save(model.state_dict(), 'weights.pth')`, and push that file."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise BadInput(f"{path} is damaged, or no PyTorch checkpoint. Push a file that torch.save wrote.") from error
    save(tensors_in(content, path), target)


def save(tensors: Mapping[str, Any], target: Path) -> None:
    """Tensors that share memory become tensors of their own, as the format wants. Raises MissingExtra."""
    safetensors = need("safetensors.torch", command="patchswap weights push")
    safetensors.save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, target)


def tensors_in(content: Any, path: Path) -> dict[str, Any]:
    """The tensors of a checkpoint, by name: as they are, or in the part that trainers keep them in. Raises BadInput."""
    for part in (content, *_parts(content)):
        tensors = _tensors(part)
        if tensors:
            return tensors
    raise BadInput(
        f"{path} holds no tensors by name. Save a state_dict: `torch.save(model.state_dict(), 'weights.pth')`."
    )


def need(module: str, *, command: str) -> Any:
    """The module. Raises MissingExtra where it is not installed."""
    require(module.partition(".")[0], command=command)
    return import_module(module)


def require(package: str, *, command: str) -> None:
    """Raises MissingExtra where it is not installed."""
    if find_spec(package) is None:
        install = _INSTALL.get(package, package)
        raise MissingExtra(f"`{command}` needs {package}, which is not installed here. Run `pip install {install}`.")


def _parts(content: Any) -> list[Any]:
    return [content[key] for key in _WRAPPERS if key in content] if isinstance(content, Mapping) else []


def _tensors(part: Any) -> dict[str, Any]:
    torch = import_module("torch")
    if not isinstance(part, Mapping):
        return {}
    return {name: value for name, value in part.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}
