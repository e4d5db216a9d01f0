"""Where the stages of a network end in the graph it was converted to, found by what flows there."""

from functools import partial

import torch
from torch import Tensor, nn

from trainer.qat.network import FakeQuantized

_SAME = 1e-4  # of the map's deviation; conversion changes 1e-6 of it


def stage_ends(net: nn.Module, plain: FakeQuantized, image_shape: tuple[int, int, int]) -> list[str]:
    """The names of the maps at the ends of the stages in the fp32 graph `plain`; of none where one is not to be found.

    `net` is the network that was converted, in evaluation mode, on the CPU.
    """
    images_BCHW = torch.randn(2, *image_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = _maps(net, images_BCHW)
        values = plain.values(images_BCHW)
    found = [_name_of(map_BCHW, values) for map_BCHW in maps]
    return [name for name in found if name] if all(found) else []


def _maps(net: nn.Module, images_BCHW: Tensor) -> list[Tensor]:
    maps: list[Tensor] = []
    ends = [net.get_submodule(name) for name in net.stage_ends]  # type: ignore[union-attr]
    hooks = [end.register_forward_hook(partial(_append, maps)) for end in ends]
    net(images_BCHW)
    for hook in hooks:
        hook.remove()
    return maps


def _append(maps: list[Tensor], _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
    maps.append(output)


def _name_of(map_BCHW: Tensor, values: dict[str, Tensor]) -> str | None:
    near = _SAME * float(map_BCHW.std())
    equal = (n for n, v in values.items() if v.shape == map_BCHW.shape and float((v - map_BCHW).abs().max()) <= near)
    return next(equal, None)
