"""The zip a customer downloads. Equal contents give equal bytes: fixed order, times and modes."""

import hashlib
import json
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import portable
from contract.files import BUNDLE_MANIFEST
from portable import preprocess
from portable.tasks import TASKS
from trainer.export.formats import Format
from trainer.machine import durable

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can state
_PROGRAMS = ("infer.py", "verify.py", "weights.py")


def write(
    path: Path, contents: dict[str, bytes], manifest: dict[str, Any], *, model: dict[str, bytes]
) -> tuple[int, str]:
    """Write the bundle of these files with a manifest of all hashes. Returns its size and sha256."""
    all_files = dict(sorted((contents | model).items()))
    manifest = manifest | {"files": {name: _stated(content) for name, content in all_files.items()}}
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in (all_files | {BUNDLE_MANIFEST: as_json(manifest)}).items():
            # weights hardly shrink
            archive.writestr(_entry(name), content, ZIP_STORED if name in model else ZIP_DEFLATED)
    durable.write(path, buffer.getvalue())
    return len(buffer.getvalue()), hashlib.sha256(buffer.getvalue()).hexdigest()


def programs(task: str, form: Format) -> dict[str, bytes]:
    """What runs and checks a bundle of this task. The same preprocessing as in training, for it is the same file."""
    shared = {"preprocess.py": preprocess, "postprocess.py": TASKS[task]}
    found = {name: (files(portable) / name).read_bytes() for name in (*_PROGRAMS, *form.PROGRAMS)}
    found["runtime.py"] = Path(str(form.RUNTIME.__file__)).read_bytes()
    return found | {name: Path(str(module.__file__)).read_bytes() for name, module in shared.items()}


def as_json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _stated(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, date_time=_EPOCH)
    entry.create_system = 3  # Unix, for the mode below
    entry.external_attr = (0o100644) << 16
    return entry
