"""Build model.engine from the model.onnx beside this file, for this machine's NVIDIA GPU: `python build_engine.py`.

Needs TensorRT 10's `trtexec` on the PATH. An engine fits only the GPU and the TensorRT version that built it, so it is
built where it runs. Options behind `--` go to trtexec: `python build_engine.py --fp16 -- --builderOptimizationLevel=5`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description="Build a TensorRT engine for the GPU of this machine.")
    parser.add_argument("--fp16", action="store_true", help="compute in fp16 where that is faster")
    parser.add_argument("--max-batch", type=int, default=8, metavar="N", help="images at a time, at most (default 8)")
    parser.add_argument("--engine", type=Path, default=HERE / "model.engine", metavar="FILE")
    parser.add_argument("--print", action="store_true", help="print the command instead of running it")
    parser.add_argument("options", nargs="*", metavar="-- OPTION", help="for trtexec")
    asked = parser.parse_args()
    if asked.max_batch < 1:
        parser.error("--max-batch must be at least 1")
    if json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))["precision"] == "int8":
        parser.error("TensorRT takes symmetric int8 activations only, and this file's are uint8; use the fp32 bundle")
    command = _command(asked)
    if asked.print:
        print(" ".join(command))
        return 0
    if shutil.which(command[0]) is None:
        parser.error("there is no trtexec on the PATH; it comes with TensorRT")
    return subprocess.run(command, check=False).returncode


def _command(asked: argparse.Namespace) -> list[str]:
    rules = json.loads((HERE / "preprocess.json").read_text(encoding="utf-8"))
    image = f"{1 if rules['mode'] == 'L' else 3}x{rules['height']}x{rules['width']}"
    shapes = {"min": 1, "opt": 1, "max": asked.max_batch}
    return [
        "trtexec",
        f"--onnx={HERE / 'model.onnx'}",
        f"--saveEngine={asked.engine}",
        *(f"--{name}Shapes={rules['input']}:{batch}x{image}" for name, batch in shapes.items()),
        *(["--fp16"] if asked.fp16 else []),
        *asked.options,
    ]


if __name__ == "__main__":
    sys.exit(main())
