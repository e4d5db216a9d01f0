"""Networks narrower than their architecture: how wide each layer is, is told by the shapes of its weights."""

from collections.abc import Mapping

from torch import Tensor, nn


def fit(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give every layer the width that a network's weights, by the names of its `state_dict`, have. Loads nothing."""
    for name, module in model.named_modules():
        weight = tensors.get(f"{name}.weight")
        if weight is None:
            continue
        if isinstance(module, nn.Conv2d):
            _fit_convolution(module, weight)
        elif isinstance(module, nn.BatchNorm2d):
            module.num_features = len(weight)
        elif isinstance(module, nn.Linear):
            module.out_features, module.in_features = weight.shape
        else:
            continue
        _make_room(module, name, tensors)


def _fit_convolution(module: nn.Conv2d, weight: Tensor) -> None:
    """A convolution of each channel for itself stays one."""
    if module.groups == module.in_channels > 1:
        module.groups = len(weight)
    module.out_channels, module.in_channels = len(weight), weight.shape[1] * module.groups


def _make_room(module: nn.Module, name: str, tensors: Mapping[str, Tensor]) -> None:
    for own, old in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
        new = tensors[f"{name}.{own}"]
        if new.shape != old.shape:
            old.data = old.data.new_zeros(new.shape)
