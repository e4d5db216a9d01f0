"""How large gradients are, layer by layer and epoch by epoch (the paper's Figures 4 and 5 [V, their captions]).

Both are read at the last step of an epoch, from what its backward pass left behind, so no other step is slowed down. A
layer's magnitude is the mean of |gradient| over its weights; an epoch's is the mean over all these weights, that is the
L1 norm over their number. Which step, which mean, and that biases and normalisations are left out, is ours [U].
"""

from collections.abc import Iterator

from torch import Tensor, nn

from contract.results.evaluation import LayerGradient


def by_layer(model: nn.Module) -> dict[str, Tensor]:
    """Layer -> mean |gradient|, from input to output; scalars on the device, nothing waits for them."""
    return {name: weights.grad.abs().mean() for name, weights in _weights(model) if weights.grad is not None}


def overall(model: nn.Module, gradients: dict[str, Tensor]) -> float:
    """The mean |gradient| over the weights of all layers. Waits for the device."""
    rows = table(model, gradients)
    return sum(row.mean_absolute * row.weights for row in rows) / max(1, sum(row.weights for row in rows))


def table(model: nn.Module, gradients: dict[str, Tensor]) -> list[LayerGradient]:
    sizes = {name: weights.numel() for name, weights in _weights(model)}
    return [
        LayerGradient(layer=name, weights=sizes[name], mean_absolute=value.item()) for name, value in gradients.items()
    ]


def _weights(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The weights of convolutions and matrix products: what has two dimensions or more."""
    return ((name.removesuffix(".weight"), weights) for name, weights in model.named_parameters() if weights.ndim >= 2)
