"""The device a run uses, its precision, and the switches that make it repeatable."""

import platform
import resource
from contextlib import AbstractContextManager
from typing import Literal

import torch


def choose() -> torch.device:
    """The GPU where there is one. Sets what holds for the whole process."""
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        return torch.device("cuda")
    # Costs nothing on the CPU; filling fresh memory, which is only there to find bugs, would.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    return torch.device("cpu")


def autocast(device: torch.device, precision: Literal["auto", "fp32", "bf16"]) -> AbstractContextManager[None]:
    """bf16 where asked; `auto` is bf16 on a GPU and fp32 on the CPU, half as fast in bf16 without units for it."""
    enabled = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def describe(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"


def peak_bytes(device: torch.device) -> int:
    """Of the GPU's memory what torch had allocated; on a CPU the resident set of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB
