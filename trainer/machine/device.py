"""The device a run uses, its precision, and the switches that make it repeatable."""

import platform
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, TypeVar, cast

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from contract.allocator import keep_freed_memory

Module = TypeVar("Module", bound=nn.Module)
Precision = Literal["auto", "fp32", "bf16"]
_FORWARD_VALUES = 3 * 2**20  # 40 images of 160 x 160 px in colour
_KEPT_BYTES = 2**30  # of a step's activations; a process frees them all when it ends


def choose() -> torch.device:
    """The GPU where there is one. Sets what holds for the whole process."""
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        return torch.device("cuda")
    keep_freed_memory(_KEPT_BYTES)
    # Costs nothing on the CPU; filling fresh memory, which is only there to find bugs, would.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # set at run time
    return torch.device("cpu")


@contextmanager
def autocast(device: torch.device, precision: Precision) -> Iterator[None]:
    """bf16 where asked; `auto` is bf16 on a GPU and fp32 on the CPU, half as fast in bf16 without units for it."""
    enabled = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled))
        if enabled and device.type == "cpu":
            stack.enter_context(_GroupedConvolutionsInFloat())
        yield


class _GroupedConvolutionsInFloat(TorchFunctionMode):
    """Convolutions in groups, as depthwise ones, are computed in fp32 and give bf16.

    oneDNN has no fast bf16 kernel for their gradients: EfficientNet-Lite0 took longer in bf16 than in fp32, and takes
    about half as long so, on a CPU with AMX.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not functional.conv2d or _groups(args, kwargs) == 1:
            return func(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            return func(args[0].float(), *args[1:], **kwargs).to(torch.bfloat16)


def _groups(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Of a call of conv2d (input, weight, bias, stride, padding, dilation, groups)."""
    return int(args[6] if len(args) > 6 else kwargs.get("groups", 1))


def place(module: Module, device: torch.device) -> Module:
    """The module itself, moved to the device, the weights of its convolutions channels last."""
    move = cast("Callable[..., Module]", module.to)  # torch's annotations leave `memory_format` out
    return move(device, memory_format=torch.channels_last)


def describe(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"


def forward_batch(images: torch.Tensor) -> int:
    """How many images of a batch to run at once without gradients, so that a CPU needs less memory than for a step."""
    if torch.cuda.is_available():
        return len(images)
    return max(1, _FORWARD_VALUES // images[0].numel())


def peak_bytes(device: torch.device) -> int:
    """Of the GPU's memory what torch had allocated; on a CPU the resident set of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB
