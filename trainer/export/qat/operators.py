"""The ONNX operators that exported networks consist of, as torch functions with gradients.

Each takes a node's attributes and its inputs, in the order of the ONNX specification; None stands for one left out.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Attributes = dict[str, Any]
Operator = Callable[..., Tensor | tuple[Tensor, ...]]


class Unlearnable(ValueError):
    """The graph cannot learn with rounding; the message says why."""


class UnknownOperator(Unlearnable):
    """The graph has an operator that is not among these."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"nobody taught {kind} to learn with rounding")


def of(kind: str) -> Operator:
    """Raises UnknownOperator."""
    try:
        return _OPERATORS[kind]
    except KeyError:
        raise UnknownOperator(kind) from None


def _convolve(attributes: Attributes, images: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    spatial = weight.dim() - 2
    pads = attributes.get("pads", [0] * (2 * spatial))
    begins, ends = pads[:spatial], pads[spatial:]
    if begins != ends:
        images = functional.pad(images, [pad for both in zip(begins[::-1], ends[::-1], strict=True) for pad in both])
        begins = [0] * spatial
    return functional.conv2d(
        images,
        weight,
        bias,
        stride=attributes.get("strides", 1),
        padding=begins,
        dilation=attributes.get("dilations", 1),
        groups=attributes.get("group", 1),
    )


def _gemm(attributes: Attributes, left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    left = left.t() if attributes.get("transA") else left
    right = right.t() if attributes.get("transB") else right
    product = attributes.get("alpha", 1.0) * (left @ right)
    return product if bias is None else product + attributes.get("beta", 1.0) * bias


def _max_pool(attributes: Attributes, images: Tensor) -> Tensor:
    pads = attributes.get("pads", [0] * 4)
    return functional.max_pool2d(
        images,
        attributes["kernel_shape"],
        stride=attributes.get("strides", 1),
        padding=pads[: len(pads) // 2],
        dilation=attributes.get("dilations", 1),
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
    )


def _reduce_mean(attributes: Attributes, values: Tensor, axes: Tensor | None = None) -> Tensor:
    over = attributes.get("axes") if axes is None else axes.tolist()
    return values.mean(dim=over, keepdim=bool(attributes.get("keepdims", 1)))


def _reshape(attributes: Attributes, values: Tensor, shape: Tensor) -> Tensor:
    kept = not attributes.get("allowzero", 0)
    return values.reshape([values.shape[i] if n == 0 and kept else n for i, n in enumerate(shape.tolist())])


def _resize(
    attributes: Attributes,
    images: Tensor,
    _roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
) -> Tensor:
    """As torch's exporter writes `interpolate` without aligned corners."""
    how = attributes.get("mode", b"nearest"), attributes.get("coordinate_transformation_mode", b"half_pixel")
    modes = {(b"linear", b"half_pixel"): "bilinear", (b"nearest", b"asymmetric"): "nearest"}
    if how not in modes or attributes.get("antialias"):
        raise UnknownOperator(f"Resize ({b', '.join(how).decode()})")
    if sizes is not None:
        return functional.interpolate(images, sizes.tolist()[2:], mode=modes[how])
    if scales is None:
        raise UnknownOperator("Resize without scales and sizes")
    return functional.interpolate(images, scale_factor=scales.tolist()[2:], mode=modes[how])


def _instance_norm(attributes: Attributes, values: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return functional.instance_norm(values, weight=scale, bias=bias, eps=attributes.get("epsilon", 1e-5))


def _shape(attributes: Attributes, values: Tensor) -> Tensor:
    return torch.tensor(values.shape[attributes.get("start", 0) : attributes.get("end")])


def _split(attributes: Attributes, values: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    axis = attributes.get("axis", 0)
    if sizes is not None:
        return values.split(sizes.tolist(), dim=axis)
    return values.chunk(attributes["num_outputs"], dim=axis)


def _hard_sigmoid(attributes: Attributes, values: Tensor) -> Tensor:
    return (attributes.get("alpha", 0.2) * values + attributes.get("beta", 0.5)).clamp(0, 1)


def _clip(_attributes: Attributes, values: Tensor, least: Tensor | None = None, most: Tensor | None = None) -> Tensor:
    return values.clamp(least, most)


def _flatten(attributes: Attributes, values: Tensor) -> Tensor:
    axis = attributes.get("axis", 1)
    return values.flatten(axis).reshape(-1, values.shape[axis:].numel())


_OPERATORS: dict[str, Operator] = {
    "Add": lambda _, left, right: left + right,
    "Clip": _clip,
    "Concat": lambda attributes, *parts: torch.cat(parts, dim=attributes["axis"]),
    "Conv": _convolve,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, images: images.mean(dim=(2, 3), keepdim=True),
    "HardSigmoid": _hard_sigmoid,
    "InstanceNormalization": _instance_norm,
    "Identity": lambda _, values: values,
    "MaxPool": _max_pool,
    "Mul": lambda _, left, right: left * right,
    "ReduceMean": _reduce_mean,
    "Relu": lambda _, values: values.relu(),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Sigmoid": lambda _, values: values.sigmoid(),
    "Split": _split,
    "Transpose": lambda attributes, values: values.permute(attributes["perm"]),
}
