"""infer.py and verify.py as they lie in a bundle, with the files that they import beside them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from trainer.export import formats
from trainer.export.bundle import archive

_folder = tempfile.TemporaryDirectory(prefix="patchswap-tests-programs-")
PROGRAMS = archive.programs("classification", formats.choose("onnx"))
for _name, _content in PROGRAMS.items():
    (Path(_folder.name) / _name).write_bytes(_content)
sys.path.insert(0, _folder.name)

import infer  # noqa: E402
import verify  # noqa: E402
import weights  # noqa: E402

__all__ = ["PROGRAMS", "infer", "verify", "weights"]
