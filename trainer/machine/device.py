"""The device a run uses, its precision, and the switches that make it repeatable."""

import platform
import resource
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, TypeVar, cast

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)
Precision = Literal["auto", "fp32", "bf16"]


def choose() -> torch.device:
    """The GPU where there is one. Sets what holds for the whole process."""
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        return torch.device("cuda")
    # Costs nothing on the CPU; filling fresh memory, which is only there to find bugs, would.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # set at run time
    return torch.device("cpu")


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """bf16 where asked; `auto` is bf16 on a GPU and fp32 on the CPU, half as fast in bf16 without units for it."""
    enabled = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def place(module: Module, device: torch.device) -> Module:
    """The module itself, moved to the device, the weights of its convolutions channels last."""
    move = cast("Callable[..., Module]", module.to)  # torch's annotations leave `memory_format` out
    return move(device, memory_format=torch.channels_last)


def describe(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"


def peak_bytes(device: torch.device) -> int:
    """Of the GPU's memory what torch had allocated; on a CPU the resident set of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB
