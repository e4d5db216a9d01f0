"""An int8 ONNX file as a torch network that computes in fp32 what the file does in int8, and learns its weights.

Where the file rounds, so does this: activations to uint8 by the file's own scales, weights to int8 within seven bits by
a scale for each channel that follows the weights (decision 0004). The gradient goes straight through the rounding
(Bengio et al. 2013, arXiv 1308.3432). Batch norm is part of the convolutions already, as it is in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from trainer.export.qat import operators

WEIGHT_LIMIT = 64  # onnxruntime's `reduce_range` of int8: -64 to 64
_INTEGERS = "_quantized"  # ends the name of a weight's integers
_ROUNDED = "_DequantizeLinear_Output"  # ends the name of a value that was rounded


@dataclass(frozen=True)
class _Node:
    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    last_used: list[str] = field(default_factory=list)  # values that no later node reads


class FakeQuantized(nn.Module):
    """`prepared` is the fp32 graph that `graph` was quantized from, whose names both have.

    Given the same graph twice it is that graph in fp32. `outputs` are names of values, in whatever they are to be given
    in; without them it gives what the file gives. What lies behind them is not run. Raises UnknownOperator.
    """

    def __init__(self, graph: onnx.GraphProto, prepared: onnx.GraphProto, outputs: Any = None) -> None:
        super().__init__()
        named = tuple(output.name for output in graph.output)
        self._outputs = outputs or (named if len(named) > 1 else named[0])
        self._input = graph.input[0].name
        self._nodes = _nodes(graph, kept=set(tree_leaves(self._outputs)))
        self._learnt: dict[str, str] = {}  # a weight's name in `prepared` -> its name among the parameters
        self.weights = nn.ParameterDict()
        self.linears = nn.ModuleDict()  # what is left in fp32 of them, so that methods find the last layer
        self.constants = nn.Module()  # scales, zero points and limits, as buffers
        self.steps = nn.Module()  # of the values that a layer with a bias reads
        self._biases: dict[str, tuple[str, int]] = {}  # a bias's integers -> the layer's weight, and its axis
        self._integers: dict[str, Tensor] = {}  # shapes and axes, which are read as numbers
        floats = {constant.name: numpy_helper.to_array(constant) for constant in prepared.initializer}
        self._take_weights(floats)
        self._take_biases(graph)
        self._take_constants(graph)
        self.ends = nn.ModuleList()
        self._tapped: dict[str, int] = {}
        self.stage_ends: tuple[str, ...] = ()

    def forward(self, images_BCHW: Tensor) -> Any:
        values = self.values(images_BCHW, keep=False)
        return tree_map(values.__getitem__, self._outputs)

    def values(self, images_BCHW: Tensor, *, keep: bool = True) -> dict[str, Tensor]:
        """What each node gave, by name; without `keep` only what is left at the end."""
        values = {self._input: images_BCHW}
        for node in self._nodes:
            found = self._run(node, values)
            for name, value in zip(node.outputs, found if isinstance(found, tuple) else (found,), strict=True):
                values[name] = self.ends[self._tapped[name]](value) if name in self._tapped else value
            for name in () if keep else node.last_used:
                values.pop(name, None)
        return values

    def tap(self, names: list[str]) -> None:
        """Let methods read the maps of these names in `prepared`, as they were rounded, as the ends of stages."""
        given = {name for node in self._nodes for name in node.outputs}
        rounded = [name + _ROUNDED if name + _ROUNDED in given else name for name in names]
        self.ends = nn.ModuleList(nn.Identity() for _ in rounded)
        self._tapped = {name: index for index, name in enumerate(rounded)}
        self.stage_ends = tuple(f"ends.{index}" for index in range(len(rounded)))

    def learnt(self) -> dict[str, Tensor]:
        """The weights by their names in `prepared`."""
        parameters = dict(self.named_parameters())
        return {name: parameters[mine].detach().cpu() for name, mine in self._learnt.items()}

    def _take_constants(self, graph: onnx.GraphProto) -> None:
        for constant in graph.initializer:
            array = torch.from_numpy(numpy_helper.to_array(constant).copy())
            if constant.data_type == onnx.TensorProto.INT64:
                self._integers[constant.name] = array
            elif constant.name not in self._learnt and constant.name.removesuffix(_INTEGERS) not in self._learnt:
                array = array if array.is_floating_point() else array.to(torch.int32)
                self.constants.register_buffer(_key(constant.name), array, persistent=False)

    def _take_weights(self, floats: Mapping[str, Any]) -> None:
        """What is learnt: the floats that layers read, and those behind the integers that they read."""
        read = {name for node in self._nodes if node.kind in ("Conv", "Gemm") for name in node.inputs[1:]}
        for node in self._nodes:
            if node.kind == "DequantizeLinear" and node.inputs[0].endswith(_INTEGERS) and node.outputs[0] in read:
                self._learn(node.inputs[0].removesuffix(_INTEGERS), floats)
            elif node.kind == "Gemm" and node.attributes.get("transB") and node.inputs[1] in floats:
                self._take_linear(node, floats)
            elif node.kind in ("Conv", "Gemm"):
                for name in node.inputs[1:]:
                    if name in floats:
                        self._learn(name, floats)

    def _take_biases(self, graph: onnx.GraphProto) -> None:
        """A bias is rounded to steps of the layer's products: a step of its input times a step of its weight."""
        arrays = {constant.name: constant for constant in graph.initializer}
        dequantized = {n.outputs[0]: n for n in self._nodes if n.kind == "DequantizeLinear" and n.inputs[0] in arrays}
        for node in self._nodes:
            if node.kind in ("Conv", "Gemm") and len(node.inputs) == 3 and node.inputs[2] in dequantized:
                weight, bias = (dequantized[name] for name in node.inputs[1:])
                product, step = (numpy_helper.to_array(arrays[each.inputs[1]]) for each in (bias, weight))
                axis = weight.attributes.get("axis", 0)
                self._biases[bias.inputs[0]] = weight.inputs[0].removesuffix(_INTEGERS), axis
                self.steps.register_buffer(_key(bias.inputs[0]), torch.from_numpy(product / step), persistent=False)

    def _learn(self, name: str, floats: Mapping[str, Any]) -> None:
        if name not in floats:  # the quantizer wrote a copy for each scale of what several layers share
            raise operators.Unlearnable(f"several layers share a weight, of which the int8 file has {name} besides")
        self.weights[_key(name)] = nn.Parameter(torch.from_numpy(floats[name].copy()))
        self._learnt[name] = f"weights.{_key(name)}"

    def _take_linear(self, node: _Node, floats: Mapping[str, Any]) -> None:
        weight, *bias = (torch.from_numpy(floats[name].copy()) for name in node.inputs[1:])
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bool(bias))
        linear.load_state_dict(dict(zip(("weight", "bias"), (weight, *bias), strict=False)))
        self.linears[_key(node.outputs[0])] = linear
        for name, own in zip(node.inputs[1:], ("weight", "bias"), strict=False):
            self._learnt[name] = f"linears.{_key(node.outputs[0])}.{own}"

    def _run(self, node: _Node, values: Mapping[str, Tensor]) -> Tensor | tuple[Tensor, ...]:
        if node.kind == "QuantizeLinear":
            scale, zero = (self.constants.get_buffer(_key(name)) for name in node.inputs[1:])
            return torch.fake_quantize_per_tensor_affine(values[node.inputs[0]], scale, zero, 0, 255)
        if node.kind == "DequantizeLinear":
            return self._dequantized(node, values)
        if (linear := _key(node.outputs[0])) in self.linears:
            return self.linears[linear](values[node.inputs[0]])
        inputs = [self._value(name, values) for name in node.inputs]
        return operators.of(node.kind)(node.attributes, *inputs)

    def _dequantized(self, node: _Node, values: Mapping[str, Tensor]) -> Tensor:
        name = node.inputs[0]
        if not name.endswith(_INTEGERS):
            return values[name]  # rounded when it was quantized
        if name.removesuffix(_INTEGERS) not in self._learnt:  # a constant, as a norm's scale, of one step for all
            integers, scale, zero = (self.constants.get_buffer(_key(each)) for each in node.inputs)
            return (integers - zero) * scale
        learnt = self.weights[_key(name.removesuffix(_INTEGERS))]
        if name in self._biases:
            weight, axis = self._biases[name]
            step = self.steps.get_buffer(_key(name)) * scale_of(self.weights[_key(weight)], axis=axis)
            return learnt + ((learnt / step).round() * step - learnt).detach()
        return rounded(learnt, axis=node.attributes.get("axis", 0))

    def _value(self, name: str, values: Mapping[str, Tensor]) -> Tensor | None:
        if not name:
            return None
        if name in values:
            return values[name]
        if name in self._integers:
            return self._integers[name]
        return self.weights[_key(name)] if _key(name) in self.weights else self.constants.get_buffer(_key(name))


def scale_of(weight: Tensor, *, axis: int) -> Tensor:
    """What one step of int8 within seven bits means in each channel of `axis`: its largest magnitude is the last."""
    others = [dim for dim in range(weight.dim()) if dim != axis]
    scale = weight.detach().abs().amax(dim=others) / WEIGHT_LIMIT
    return torch.where(scale < torch.finfo(scale.dtype).tiny, torch.ones_like(scale), scale)


def rounded(weight: Tensor, *, axis: int) -> Tensor:
    """Weights as int8 within seven bits has them."""
    scale = scale_of(weight, axis=axis)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, axis, -WEIGHT_LIMIT, WEIGHT_LIMIT)


def _nodes(graph: onnx.GraphProto, *, kept: set[str]) -> list[_Node]:
    """Those that lead to the values kept, in order."""
    seen, nodes = set[str](), []
    for node in reversed(graph.node):
        if not (seen | kept) & set(node.output):
            continue
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            operators.of(node.op_type)  # said before anything is trained
        last_used = [name for name in dict.fromkeys(node.input) if name and name not in seen | kept]
        seen |= set(node.input)
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        nodes.append(_Node(node.op_type, list(node.input), list(node.output), attributes, last_used))
    return nodes[::-1]


def _key(name: str) -> str:
    """Names of parameters hold no dots."""
    return name.replace(".", "/")
