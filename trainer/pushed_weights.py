"""Read the weights that somebody sent: write the tensors that fit an architecture, by our names, and report the rest.

The file is a stranger's: its process is confined first. It is safetensors and nothing else; no pickle is opened.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from contract.architectures import SMALL_IMAGES, TIMM
from contract.child import confinement
from contract.child.messages import Done, Message, Working
from contract.files import WEIGHTS, WEIGHTS_REPORT
from contract.results.weights_found import WeightsFound
from contract.specs import ModelSpec
from contract.tasks import TERMS
from contract.weights import Stem
from trainer import models
from trainer.errors import TrainerError, ended
from trainer.machine import durable
from trainer.models import matching
from trainer.models.matching import Match
from trainer.training import weights

# Beyond the file's own size: what Python and torch take as address space.
_MEMORY_BYTES = 24 << 30
_CPU_SECONDS, _CPU_SLACK_SECONDS = 600, 10
_OPEN_FILES = 256
_MOST_TENSORS, _LONGEST_NAME = 10_000, 300


class _Reading(NamedTuple):
    match: Match
    head: frozenset[str]
    channels: int
    stem: Stem


def read(file: Path, architecture: str, out: Path) -> Iterator[Message]:
    """Write OUT/model.safetensors and OUT/weights.json; the latter also of a file that is refused for what it lacks.

    Raises TrainerError.
    """
    yield Working(activity="read weights", done=0, total=1)
    reading = _best(architecture, _tensors(file))
    tensors, report = reading.match.tensors, reading.match.report
    head = next((len(tensors[name]) for name in reading.head if name in tensors), None)
    found = WeightsFound(num_classes=head, channels=reading.channels, stem=reading.stem, report=report)
    durable.write(out / WEIGHTS_REPORT, found.model_dump_json(indent=2).encode())
    if reading.match.share < matching.LEAST_SHARE:
        raise _unlike(architecture, reading.match)
    _require_finite(tensors)
    weights.save(tensors, out / WEIGHTS)
    yield Done(files={"weights": WEIGHTS, "report": WEIGHTS_REPORT})


def confine_to(file: Path) -> None:
    """Limit this process for good to what reading the file may take. Raises OSError without a file."""
    size = file.stat().st_size
    confinement.confine(
        memory_bytes=_MEMORY_BYTES + 4 * size,
        cpu_seconds=_CPU_SECONDS,
        cpu_slack_seconds=_CPU_SLACK_SECONDS,
        file_bytes=4 * size + (1 << 20),  # numbers of two bytes are written as four, or of one
        open_files=_OPEN_FILES,
    )


def _tensors(file: Path) -> dict[str, Tensor]:
    """Every floating-point tensor, as float32."""
    try:
        found = safetensors.torch.load_file(file)
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        message = f"The file is not safetensors: {error}."
        raise ended("weights_unreadable", message) from error
    _require_names(found)
    return {name: tensor.to(torch.float32) for name, tensor in found.items() if tensor.is_floating_point()}


def _require_names(found: Mapping[str, Tensor]) -> None:
    """Names go into reports and the ledger: as many and as long as a network's, and nothing but text."""
    if len(found) > _MOST_TENSORS:
        raise ended("weights_unreadable", f"The file has {len(found)} tensors; at most {_MOST_TENSORS} are read.")
    odd = next((name for name in found if len(name) > _LONGEST_NAME or not name.isprintable()), None)
    if odd is not None:
        raise ended("weights_unreadable", f"{odd[:40]!a} is no name of a tensor: too long, or not printable.")


def _best(architecture: str, tensors: Mapping[str, Tensor]) -> _Reading:
    """The stem and the number of channels follow from what fits best."""
    if not TERMS["classification"].has(architecture):
        known = ", ".join(TERMS["classification"].architectures)
        raise ended("spec_invalid", f"There is no classifier {architecture}. Take one of {known}, or timm:NAME.")
    # Where both stems fit as well, as of one that differs by its stride alone, it is the one that such weights have.
    stems: tuple[Stem, ...] = ("small", "imagenet") if architecture in SMALL_IMAGES else ("imagenet", "small")
    built = [_outline(architecture, stem, channels) for channels in (3, 1) for stem in stems]
    readings = [_reading(tensors, *each) for each in built if each is not None]
    if not readings:
        raise ended("spec_invalid", f"timm cannot build {architecture}. Check its name.")
    return max(readings, key=lambda reading: reading.match.share)


def _outline(architecture: str, stem: Stem, channels: int) -> tuple[ModelSpec, nn.Module, int] | None:
    """None where a network of timm does not come like this; what it raises then is not known."""
    spec = ModelSpec.model_validate({"architecture": architecture, "stem": stem, "pretrained": None})
    try:
        return spec, models.outline(spec, channels=channels), channels
    except Exception:
        if architecture.startswith(TIMM):
            return None
        raise


def _reading(tensors: Mapping[str, Tensor], spec: ModelSpec, network: nn.Module, channels: int) -> _Reading:
    match = matching.match(network, tensors, *models.twins(spec, channels=channels))
    stem: Stem = "small" if spec.stem == "small" else "imagenet"
    return _Reading(match, matching.head_names(network), channels, stem)


def _require_finite(tensors: Mapping[str, Tensor]) -> None:
    broken = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        shown = ", ".join(broken[:5])
        raise ended("weights_unreadable", f"{len(broken)} tensors hold values that are not finite: {shown}.")


def _unlike(architecture: str, match: Match) -> TrainerError:
    missing, unexpected = match.report.missing[:3], match.report.unexpected[:3]
    instead = f" In the file instead, for example: {', '.join(unexpected)}." if unexpected else ""
    message = (
        f"The file has {match.share:.0%} of the tensors of {architecture}; half are needed. "
        f"Missing, for example: {', '.join(missing)}.{instead}"
    )
    return ended("weights_unfit", message)
