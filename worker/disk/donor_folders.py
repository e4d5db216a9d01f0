"""A network that teaches a job or that it begins with, laid out for the trainer: its verified weights, and its card."""

from pathlib import Path

from contract.files import NETWORK_CARD, WEIGHTS
from contract.specs import ModelSpec
from contract.specs.methods import MethodSpec, TaughtSpec
from contract.weights import BUILT_IN
from core.errors import NotFound
from core.store import storage
from core.weights.donors import Donor
from worker.claims.lease import Lease


def lay_out(method: MethodSpec, teacher: Donor | None, folder: Path, lease: Lease) -> None:
    """Fill a new folder, if the method wants a teacher. Raises NotFound, StoreUnavailable or ChecksumMismatch."""
    if isinstance(method, TaughtSpec):
        _lay_out(teacher, folder, lease, missing=f"The teacher {method.teacher} was deleted. Name another.")


def lay_out_pretrained(model: ModelSpec, donor: Donor | None, folder: Path, lease: Lease) -> None:
    """Fill a new folder, unless the weights are random or built in. Raises as `lay_out` does."""
    if model.pretrained and model.pretrained not in BUILT_IN:
        _lay_out(donor, folder, lease, missing=f"The weights {model.pretrained} were deleted. Name others.")


def options(teacher: Donor | None, folder: Path, arm: str) -> list[str | Path]:
    """What `train` is told of the teacher. The control has none."""
    return ["--teacher", folder] if teacher and arm == "main" else []


def pretrained_options(donor: Donor | None, folder: Path) -> list[str | Path]:
    """Options of `train` that name the weights it begins with. Both arms begin with them."""
    return ["--pretrained", folder] if donor else []


def _lay_out(donor: Donor | None, folder: Path, lease: Lease, *, missing: str) -> None:
    if donor is None:
        raise NotFound(missing)
    folder.mkdir()
    (folder / NETWORK_CARD).write_text(donor.card.model_dump_json())
    lease.patiently(lambda: _fetch(donor, folder))


def _fetch(donor: Donor, folder: Path) -> None:
    storage.get_file(donor.weights_key, folder / WEIGHTS, sha256=donor.weights_sha256)
