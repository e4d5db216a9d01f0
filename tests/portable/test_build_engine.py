"""build_engine.py of a bundle: the command it gives trtexec. There is no GPU here: no engine was ever built by it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.trainer.export.conftest import Exported


def run(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, folder / "build_engine.py", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | {"PATH": path})


def test_trtexec_is_given_the_model_its_shapes_and_what_else_was_asked(fp32: Exported, tmp_path: Path) -> None:
    trtexec = tmp_path / "trtexec"
    trtexec.write_text('#!/bin/sh\nfor argument in "$@"; do echo "$argument"; done\nexit 7\n')
    trtexec.chmod(0o755)
    done = run(fp32.folder, "--fp16", "--max-batch", "4", "--", "--best", path=str(tmp_path))
    assert done.returncode == 7
    assert done.stdout.splitlines() == [
        f"--onnx={fp32.folder / 'model.onnx'}",
        f"--saveEngine={fp32.folder / 'model.engine'}",
        "--minShapes=image:1x1x8x8",
        "--optShapes=image:1x1x8x8",
        "--maxShapes=image:4x1x8x8",
        "--fp16",
        "--best",
    ]


def test_without_trtexec_and_for_int8_it_says_what_to_do(fp32: Exported, int8: Exported) -> None:
    done = run(fp32.folder)
    assert (done.returncode, "comes with TensorRT" in done.stderr) == (2, True)
    done = run(int8.folder)
    assert (done.returncode, "use the fp32 bundle" in done.stderr) == (2, True)
    assert run(fp32.folder, "--print").stdout.startswith("trtexec --onnx=")
