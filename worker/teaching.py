"""The network that teaches a job, laid out for the trainer: its weights, verified by sha256, and its card."""

from pathlib import Path

from core import storage
from core.errors import NotFound
from core.spec.methods import MethodSpec, TaughtSpec
from core.spec.teacher import CARD_NAME, WEIGHTS_NAME
from core.teachers import Teacher
from worker.lease import Lease


def lay_out(method: MethodSpec, teacher: Teacher | None, folder: Path, lease: Lease) -> None:
    """Fill a new folder, if the method wants a teacher. Raises NotFound, StoreUnavailable or ChecksumMismatch."""
    if not isinstance(method, TaughtSpec):
        return
    if teacher is None:
        raise NotFound(f"the teacher {method.teacher} is gone")
    folder.mkdir()
    (folder / CARD_NAME).write_text(teacher.card.model_dump_json())
    lease.patiently(lambda: _fetch(teacher, folder, lease))


def options(teacher: Teacher | None, folder: Path, arm: str) -> list[str | Path]:
    """What `train` is told of the teacher. The control has none."""
    return ["--teacher", folder] if teacher and arm == "main" else []


def _fetch(teacher: Teacher, folder: Path, lease: Lease) -> None:
    storage.get_file(teacher.weights_key, folder / WEIGHTS_NAME, sha256=teacher.weights_sha256, at_chunk=lease.advance)
