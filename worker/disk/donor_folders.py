"""A network that teaches a job or begins its backbone, laid out for the trainer: its verified weights, and its card."""

from pathlib import Path

from contract.files import NETWORK_CARD, WEIGHTS
from contract.specs import ModelSpec
from contract.specs.methods import MethodSpec, TaughtSpec
from core.errors import NotFound
from core.store import storage
from core.weights.donors import Teacher
from worker.claims.lease import Lease


def lay_out(method: MethodSpec, teacher: Teacher | None, folder: Path, lease: Lease) -> None:
    """Fill a new folder, if the method wants a teacher. Raises NotFound, StoreUnavailable or ChecksumMismatch."""
    if isinstance(method, TaughtSpec):
        _lay_out(teacher, folder, lease, missing=f"the teacher {method.teacher} is gone")


def lay_out_backbone(model: ModelSpec, donor: Teacher | None, folder: Path, lease: Lease) -> None:
    """Fill a new folder, if the backbone begins with another network's weights. Raises as `lay_out` does."""
    if model.pretrained:
        _lay_out(donor, folder, lease, missing=f"the pretrained {model.pretrained} is gone")


def options(teacher: Teacher | None, folder: Path, arm: str) -> list[str | Path]:
    """What `train` is told of the teacher. The control has none."""
    return ["--teacher", folder] if teacher and arm == "main" else []


def backbone_options(donor: Teacher | None, folder: Path) -> list[str | Path]:
    """What `train` is told of the backbone. Both arms begin with it."""
    return ["--pretrained", folder] if donor else []


def _lay_out(teacher: Teacher | None, folder: Path, lease: Lease, *, missing: str) -> None:
    if teacher is None:
        raise NotFound(missing)
    folder.mkdir()
    (folder / NETWORK_CARD).write_text(teacher.card.model_dump_json())
    lease.patiently(lambda: _fetch(teacher, folder))


def _fetch(teacher: Teacher, folder: Path) -> None:
    storage.get_file(teacher.weights_key, folder / WEIGHTS, sha256=teacher.weights_sha256)
