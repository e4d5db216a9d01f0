"""Tensors of another file under the names of a network: whose are whose, by name or by the order of a twin.

Knows how torchvision and timm call the same layers without a table: both build the network, and their tensors follow
each other in the same order. Nothing here trains or reads files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from contract.results.weights_report import WeightsReport
from trainer.models import stages

LEAST_SHARE = 0.5  # of a network's tensors: with fewer, a file is of another network
_COUNTERS = "num_batches_tracked"  # of batch norms: no weights
# What DataParallel, torch.compile and people's own classes put before a network's names.
_WRAPPERS = ("module.", "_orig_mod.", "model.", "network.", "net.", "backbone.", "encoder.")
Names = Mapping[str, str]  # of the file's tensors -> of the network's


@dataclass(frozen=True)
class Match:
    tensors: dict[str, Tensor]  # by the network's names, of its shapes; a head of another width has its own
    report: WeightsReport

    @property
    def share(self) -> float:
        """Of the network's tensors; its head, whose width is the dataset's, is not counted."""
        wanted = len(self.report.matched) + len(self.report.reshaped) + len(self.report.missing)
        return 1 - len(self.report.missing) / wanted


def match(network: nn.Module, tensors: Mapping[str, Tensor], *twins: nn.Module) -> Match:
    """`twins` are the same network as other libraries build it."""
    given = {name: tensor for name, tensor in tensors.items() if not name.endswith(_COUNTERS)}
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(_COUNTERS)}
    head = head_names(network)
    found = [_under(names, given, wanted, head) for names in _conventions(given, wanted, twins)]
    return max(found, key=lambda match: (match.share, -len(match.report.reshaped)))


def head_names(network: nn.Module) -> frozenset[str]:
    """The tensors of the layer that gives the logits."""
    last = stages.last_layer(network)
    name = next(name for name, module in network.named_modules() if module is last)
    return frozenset(f"{name}.{own}" for own, _ in last.named_parameters())


def fill(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a module these tensors; what is not among them stays. Raises RuntimeError where one is not the module's."""
    with torch.no_grad():
        strangers = module.load_state_dict(tensors, strict=False).unexpected_keys
    if strangers:
        raise RuntimeError(f"it has no {', '.join(strangers[:5])}")


def _conventions(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], twins: tuple[nn.Module, ...]
) -> Iterator[Names]:
    """Every way of reading the file's names that is worth a try."""
    for prefix in ("", *_WRAPPERS):
        bare = {name: name.removeprefix(prefix) for name in given}
        yield bare
        for twin in twins:
            theirs = [name for name in twin.state_dict() if not name.endswith(_COUNTERS)]
            if len(theirs) == len(wanted):
                ours = dict(zip(theirs, wanted, strict=True))
                yield {name: ours.get(plain, name) for name, plain in bare.items()}
    if _alike(given, wanted):
        yield dict(zip(given, wanted, strict=True))


def _alike(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    """Whether both list the same kinds of tensors of the same shapes, one by one; the head, at the end, may differ."""
    shapes, theirs = (
        [(name.rpartition(".")[2], tensor.shape) for name, tensor in list(each.items())[:-2]]
        for each in (given, wanted)
    )
    return len(given) == len(wanted) and shapes == theirs


def _under(names: Names, given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], head: frozenset[str]) -> Match:
    tensors: dict[str, Tensor] = {}
    matched, reshaped, unexpected = [], [], []
    for name, tensor in given.items():
        ours = names[name]
        target = wanted.get(ours)
        if target is None or ours in tensors:
            unexpected.append(name)
        elif ours in head and tensor.ndim == target.ndim and tensor.shape[1:] == target.shape[1:]:
            tensors[ours] = tensor
        elif tensor.shape == target.shape:
            tensors[ours] = tensor
            matched.append(name)
        elif _without_ones(tensor) == _without_ones(target):
            tensors[ours] = tensor.reshape(target.shape)
            reshaped.append(name)
        else:
            unexpected.append(name)
    missing = [name for name in wanted if name not in tensors and name not in head]
    return Match(tensors, WeightsReport(matched=matched, missing=missing, unexpected=unexpected, reshaped=reshaped))


def _without_ones(tensor: Tensor) -> list[int]:
    """A 1x1 convolution and a linear layer hold the same numbers."""
    return [side for side in tensor.shape if side > 1]
