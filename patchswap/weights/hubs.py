"""Pretrained weights from the hubs of timm and torchvision, by those libraries' own download code.

Only `patchswap weights fetch` comes here; the service and its workers download nothing. HF_ENDPOINT, HF_HOME,
HF_HUB_OFFLINE, TORCH_HOME and proxies are honoured as the libraries do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from patchswap.errors import BadInput, PatchswapError
from patchswap.weights import vision

COMMAND = "patchswap weights fetch"
TORCHVISION = "torchvision:"
# As timm calls the networks of this service.
OF_TIMM = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenetv4_conv_small": "mobilenetv4_conv_small",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite1": "tf_efficientnet_lite1",
    "efficientnet_lite2": "tf_efficientnet_lite2",
    "repvgg_a0": "repvgg_a0",
}
OF_TORCHVISION = (
    "resnet18",
    "resnet34",
    "resnet50",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "shufflenet_v2_x1_0",
)
_TORCHVISIONS_LICENCE = "BSD-3-Clause"


class DownloadFailed(PatchswapError):
    """The weights could not be had from the hub."""


@dataclass(frozen=True)
class Fetched:
    """What a hub gave, and what it says of it."""

    name: str
    architecture: str  # as this service calls it
    tensors: Mapping[str, Any]
    licence: str | None  # None where the hub names none
    source: str
    input: dict[str, Any]


def fetch(name: str, *, architecture: str | None = None) -> Fetched:
    """`resnet18`, a name of timm such as `resnet18.a1_in1k`, or `torchvision:resnet18`.

    Raises BadInput for a name that nobody has, DownloadFailed, and MissingExtra without the libraries.
    """
    if name.startswith(TORCHVISION):
        return _from_torchvision(name.removeprefix(TORCHVISION), architecture)
    return _from_timm(OF_TIMM.get(name, name), architecture)


def _from_timm(name: str, architecture: str | None) -> Fetched:
    timm = vision.load("timm", command=COMMAND)
    config = timm.models.get_pretrained_cfg(name, allow_unregistered=False) if timm.is_model(name) else None
    if config is None:
        raise BadInput(
            f"There is no network {name!r} in timm. Take one of {', '.join(OF_TIMM)}, or a name that timm lists."
        )
    if not config.has_weights:
        raise BadInput(f"There are no weights for {name!r} in timm; `timm.list_pretrained()` lists all that have some.")
    found = architecture or _ours(name.partition(".")[0])
    state = _downloaded(name, lambda: timm.create_model(name, pretrained=True).state_dict())
    tag = f"{config.architecture}.{config.tag}" if config.tag else config.architecture
    return Fetched(
        name=tag,
        architecture=found,
        tensors=state,
        licence=config.license,
        source=f"timm {tag}{_file_of(config)}",
        input={
            "size": list(config.input_size[1:]),
            "mean": list(config.mean),
            "std": list(config.std),
            "interpolation": "bicubic" if config.interpolation == "bicubic" else "bilinear",
            "crop": config.crop_pct,
        },
    )


def _from_torchvision(name: str, architecture: str | None) -> Fetched:
    models = vision.load("torchvision.models", command=COMMAND)
    network, _, tag = name.partition(".")
    if network not in OF_TORCHVISION:
        raise BadInput(f"Take one of torchvision's {', '.join(OF_TORCHVISION)}, not {network!r}.")
    known = models.get_model_weights(network)
    weights = known.DEFAULT if not tag else next((each for each in known if each.name == tag), None)
    if weights is None:
        raise BadInput(
            f"There are no weights {tag} of {network} in torchvision; it has {', '.join(each.name for each in known)}."
        )
    state = _downloaded(name, lambda: weights.get_state_dict(check_hash=True))  # the hash is in the file's name
    rule = weights.transforms()
    (side,), (resized,) = rule.crop_size, rule.resize_size
    return Fetched(
        name=f"{network}.{weights.name}",
        architecture=architecture or network,
        tensors=state,
        licence=_TORCHVISIONS_LICENCE,
        source=f"torchvision {network}.{weights.name} ({Path(weights.url).name})",
        input={
            "size": [side, side],
            "mean": list(rule.mean),
            "std": list(rule.std),
            "interpolation": "bicubic" if rule.interpolation.value == "bicubic" else "bilinear",
            "crop": side / resized,
        },
    )


def _ours(name: str) -> str:
    """As the service calls a network of timm; of those that it has no name for, timm's own."""
    return next((ours for ours, theirs in OF_TIMM.items() if theirs == name), f"timm:{name}")


def _downloaded(name: str, download: Any) -> Mapping[str, Any]:
    """By other people's code, whose errors are of every kind: of urllib, httpx, huggingface_hub, torch.hub."""
    try:
        state: Mapping[str, Any] = download()
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise DownloadFailed(
            f"The weights of {name} could not be downloaded: {reason}. Check the network, or HF_ENDPOINT if you set it."
        ) from error
    return state


def _file_of(config: Any) -> str:
    """The downloaded file with its sha256. Raises DownloadFailed where its bytes are not those the hub announced."""
    if not config.hf_hub_id:
        return ""
    hub = import_module("huggingface_hub")
    repository, _, revision = config.hf_hub_id.partition("@")
    for file in (config.hf_hub_filename, "model.safetensors", "pytorch_model.bin"):
        path = hub.try_to_load_from_cache(repository, file, revision=revision or None) if file else None
        if isinstance(path, str):
            return f" ({repository}/{file}, sha256 {_checked(Path(path))})"
    return ""


def _checked(path: Path) -> str:
    """A file that the hub keeps as a large one lies in the cache under the sha256 that was announced."""
    announced = path.resolve().name
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if re.fullmatch("[0-9a-f]{64}", announced) and found != announced:
        raise DownloadFailed(f"{path} has the sha256 {found}; the hub announced {announced}. Delete it and try again.")
    return found
