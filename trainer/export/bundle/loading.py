"""How a person opens the trained float weights in torch: lines of Python for the model card."""

from torch import nn

from contract.pack.manifest import PackManifest
from contract.specs import ModelSpec, ResolvedSpec
from trainer import models
from trainer.models import timm_networks

_TORCHVISION = ("resnet18", "resnet34", "resnet50", "mobilenet_v", "efficientnet_b0", "shufflenet_")
_TIMM = (*timm_networks.NAMES, "timm:")
_LOAD = "from safetensors.torch import load_file"
_OURS = "# In a checkout of patchswap; in an installation, with its folder patchswap/_service on PYTHONPATH."


def lines(spec: ResolvedSpec, manifest: PackManifest, file: str) -> list[str]:
    """A program that ends with `net`, in evaluation mode, having the weights of `file`."""
    name, classes, channels = spec.model.architecture, len(manifest.classes), manifest.channels
    pruned = spec.compression.pruning is not None
    if not pruned and name.startswith(_TORCHVISION):
        imports, built = ["import torch", "import torchvision"], _torchvision(spec.model, classes, channels)
    elif not pruned and name.startswith(_TIMM):
        imports, built = ["import timm"], _timm(spec.model, classes, channels)
    else:
        imports, built = _by_our_own(spec, classes, channels)
    return [*imports, _LOAD, f'tensors = load_file("{file}")', *built, "net.load_state_dict(tensors)", "net.eval()"]


def _torchvision(spec: ModelSpec, classes: int, channels: int) -> list[str]:
    """With what stands in the place of torchvision's own first layers."""
    outline = models.outline(spec, channels=channels)
    place, first = _first(outline)
    convolution = (
        f"torch.nn.Conv2d({channels}, {first.out_channels}, {first.kernel_size[0]}, stride={first.stride[0]}, "
        f"padding={first.padding[0]}, bias=False)"
    )
    built = [f'net = torchvision.models.get_model("{spec.architecture}", weights=None, num_classes={classes})']
    if spec.stem == "small" or channels != 3:
        built.append(f"net.{place} = {convolution}")
    if isinstance(getattr(outline, "maxpool", None), nn.Identity):
        built.append("net.maxpool = torch.nn.Identity()")
    return built


def _first(net: nn.Module) -> tuple[str, nn.Conv2d]:
    """The first convolution, as Python reaches it."""
    name, found = next((name, each) for name, each in net.named_modules() if isinstance(each, nn.Conv2d))
    first, *steps = name.split(".")
    return first + "".join(f"[{step}]" for step in steps), found


def _timm(spec: ModelSpec, classes: int, channels: int) -> list[str]:
    name = timm_networks.name_of(spec.architecture)
    built = [f'net = timm.create_model("{name}", num_classes={classes}, in_chans={channels})']
    if spec.stem == "small":
        built += [f'net.get_submodule("{each}").stride = (1, 1)' for each in timm_networks.first_convolutions(name)]
    return built


def _by_our_own(spec: ResolvedSpec, classes: int, channels: int) -> tuple[list[str], list[str]]:
    """By the builder that trained it; `widths.fit` makes it as narrow as pruned weights are."""
    room = "trainer.models" if spec.task == "classification" else f"trainer.tasks.{spec.task}.network"
    size = f", size=({spec.height}, {spec.width})" if spec.task == "detection" else ""
    asked = f'ModelSpec(architecture="{spec.model.architecture}", stem="{spec.model.stem}")'
    imports = [
        _OURS,
        f"import {room} as networks",
        "from contract.specs import ModelSpec",
        "from trainer.models import widths",
    ]
    return imports, [
        f"net = networks.build({asked}, num_classes={classes}, channels={channels}{size})",
        "widths.fit(net, tensors)",
    ]
