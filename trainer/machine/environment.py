"""What a training ran on and by which code, as far as that decides the bits of its weights."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import contract
import portable
from portable.profiling import processor_name
from trainer.machine.device import describe

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors")


def of(device: torch.device) -> dict[str, Any]:
    return {
        "code": {"version": version("patchswap"), "sha256": code_sha256()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "cpu": processor_name(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": describe(device),
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def code_sha256() -> str:
    """Of all Python files that a training may run, by their names and contents."""
    found = hashlib.sha256()
    for room in (Path(__file__).parents[1], Path(contract.__file__).parent, Path(portable.__file__).parent):
        for path in sorted(room.rglob("*.py")):
            found.update(f"{room.name}/{path.relative_to(room).as_posix()}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
