"""Where in the graph of a file the values are that a network says or that methods read, found by what flows there."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from trainer.export.qat.operators import Unlearnable

_SAME = 1e-4  # of the map's deviation; conversion changes 1e-6 of it


def values(path: Path, images_BCHW: Tensor) -> dict[str, Tensor]:
    """What each node of an fp32 ONNX file gives for these images, by name."""
    proto = onnx.load(path)
    proto.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for node in proto.graph.node for name in node.output if name
    )
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = list(dict.fromkeys(output.name for output in session.get_outputs()))
    found = session.run(names, {session.get_inputs()[0].name: images_BCHW.numpy()})
    return {name: torch.from_numpy(value) for name, value in zip(names, found, strict=True)}


def outputs(net: nn.Module, flowing: Mapping[str, Tensor], images_BCHW: Tensor) -> Any:
    """The names of what `net` says, in whatever it says it in; `flowing` are the graph's values for these images.

    Raises Unlearnable where one is not to be found: the graph gives something that was made of it.
    """
    with torch.no_grad():
        said = net(images_BCHW)
    return tree_map(partial(_found, flowing=flowing), said)


def stage_ends(net: nn.Module, flowing: Mapping[str, Tensor], images_BCHW: Tensor) -> list[str]:
    """The names of the maps at the ends of the stages; of none where one is not to be found, or nobody marked them.

    `net` is the network that was converted, in evaluation mode, on the CPU.
    """
    found = [_name_of(map_BCHW, flowing) for map_BCHW in _maps(net, images_BCHW)]
    return [name for name in found if name] if all(found) else []


def _found(said: Tensor, flowing: Mapping[str, Tensor]) -> str:
    name = _name_of(said, flowing)
    if name is None:
        raise Unlearnable(f"what methods judge, of shape {tuple(said.shape)}, is not in the file's graph")
    return name


def _maps(net: nn.Module, images_BCHW: Tensor) -> list[Tensor]:
    maps: list[Tensor] = []
    ends = [net.get_submodule(name) for name in getattr(net, "stage_ends", ())]
    hooks = [end.register_forward_hook(partial(_append, maps)) for end in ends]
    with torch.no_grad():
        net(images_BCHW)
    for hook in hooks:
        hook.remove()
    return maps


def _append(maps: list[Tensor], _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
    maps.append(output)


def _name_of(wanted: Tensor, flowing: Mapping[str, Tensor]) -> str | None:
    near = _SAME * float(wanted.std())
    equal = (n for n, v in flowing.items() if v.shape == wanted.shape and float((v - wanted).abs().max()) <= near)
    return next(equal, None)
