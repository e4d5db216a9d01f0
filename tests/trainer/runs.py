"""Running the trainer from tests: in this process, or as the process the worker starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.child.messages import AnyMessage, Arm, Message, decode
from contract.specs import ResolvedSpec
from trainer import __main__
from trainer.data.pack import Pack
from trainer.machine import device
from trainer.machine.output import Output
from trainer.machine.stopping import StopRequest
from trainer.training.checkpoint import newest_first
from trainer.training.loop import train

ROOT = Path(__file__).parents[2]


def run_here(
    spec: ResolvedSpec,
    pack: Pack,
    out: Path,
    *,
    stop_at: int | None = None,
    arm: Arm = "main",
    teacher: Path | None = None,
    pretrained: Path | None = None,
) -> list[Message]:
    """All messages of a training in this process; asked to stop once `stop_at` steps are reported in a checkpoint."""
    stop = StopRequest()
    said = []
    for message in train(
        spec, pack=pack, out=out, arm=arm, device=device.choose(), stop=stop, teacher=teacher, pretrained=pretrained
    ):
        said.append(message)
        if message.type == "checkpoint" and message.step == stop_at:
            stop.request()
    return said


def run_main(arguments: list[str | Path], folder: Path) -> tuple[int, list[AnyMessage]]:
    """Exit status and messages of the command in this process, which saves the seconds that importing torch takes."""
    said = folder / "stdout"
    with said.open("wb") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
        patch.setattr(Output, "claim_stdout", lambda: Output(file.fileno()))
        patch.setattr(StopRequest, "on_sigterm", StopRequest)
        status = __main__.main()
    return status, [decode(line) for line in said.read_bytes().splitlines()]


def start(arguments: list[str | Path], *, module: str = "trainer") -> subprocess.Popen[bytes]:
    """The trainer as a process, with as many threads as this one, so that its weights can be compared."""
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes], *, seconds: float = 120) -> tuple[int, list[AnyMessage], str]:
    """Exit status, decoded messages, stderr. Every line of stdout must be a message."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, [decode(line) for line in out.splitlines()], err.decode()


def write_spec(folder: Path, body: dict[str, Any]) -> Path:
    path = folder / "spec.json"
    path.write_text(json.dumps(body))
    return path


def steps_saved(folder: Path) -> list[int]:
    return [int(path.stem.removeprefix("step-")) for path in newest_first(folder)]
