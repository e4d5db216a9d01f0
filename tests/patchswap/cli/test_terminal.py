"""What a person at a terminal sees: bars that move, and nothing of them in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.database.database import transaction
from core.jobs import ledger
from patchswap.cli import output
from patchswap.client import Client
from tests.patchswap.cli.conftest import ROOT
from tests.patchswap.conftest import Worker
from tests.servers.proxy import BreakingProxy


def on_a_terminal(
    arguments: list[str],
    variables: dict[str, str],
    folder: Path,
    *,
    seen: tuple[str, Callable[[], object]] | None = None,
) -> tuple[int, str]:
    """Runs a command whose stderr is a terminal 120 columns wide; gives the exit status and all it wrote there.

    `seen`: what to do once a text was written.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "patchswap", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=folder,
        env=os.environ | variables | {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "TERM": "xterm-256color"},
    )
    os.close(theirs)
    written = b""
    while chunk := _read(ours):
        written += chunk
        if seen and seen[0].encode() in written:
            seen[1]()
            seen = None
    os.close(ours)
    return process.wait(60), written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux: the other side was closed
        return b""


@pytest.fixture
def variables(proxy: BreakingProxy, api_key: str) -> dict[str, str]:
    return {"PATCHSWAP_URL": proxy.url, "PATCHSWAP_API_KEY": api_key}


@pytest.mark.parametrize("arm", ["", "control "])
def test_a_training_is_shown_as_a_bar_with_its_figures(
    client: Client, dataset_id: str, variables: dict[str, str], tmp_path: Path, arm: str
):
    job = client.jobs.create(dataset=dataset_id, training={"epochs": 10})
    worker = Worker(job.id)
    worker.claim()
    progress: dict[str, Any] = {
        "epoch": 4,
        "epochs": 10,
        "step": 40,
        "steps": 100,
        "fraction": 0.4,
        "images_per_second": 1234.0,
        "eta_seconds": 75.0,
    }
    points = [
        {"job_id": job.id, "key": key, "step": 40, "epoch": 4, "value": value}
        for key, value in (("train.loss", 0.5), ("val.top1_accuracy", 0.875))
    ]
    if arm:
        points = [{**points[0], "value": 0.1}, *({**point, "key": f"control.{point['key']}"} for point in points)]
    with transaction() as session:
        ledger.record(session, worker.mine, points=points, progress=progress, phase="train")
    fail = ("1:15 left", lambda: worker.end("failed"))
    status, seen = on_a_terminal(["watch", job.id], variables, tmp_path, seen=fail)
    assert status == 1
    assert "\x1b[" in seen
    for expected in (
        "train",
        "40%",
        f"\x1b[0m {arm}epoch 4/10",
        "loss 0.500",
        "top-1 87.50%",
        "1234 images/s",
        "1:15 left",
    ):
        assert expected in seen, (expected, seen)
    assert "\x1b[2Kfailed " in seen  # the bar itself, where the line of the event begins with a time


def test_an_upload_is_shown_as_a_bar(client: Client, variables: dict[str, str], tmp_path: Path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").write_bytes(os.urandom(300_000))
    status, seen = on_a_terminal(["datasets", "push", "pets", "--no-wait"], variables, tmp_path)
    assert status == 0
    assert "uploading" in seen
    assert "300.1" in seen
    assert "kB" in seen


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.4, "0 s"), (59, "59 s"), (60, "1:00"), (187, "3:07"), (7387, "2:03:07")]
)
def test_durations_read_like_a_clock(seconds: float | None, text: str):
    assert output.duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(None, "-"), (999, "999 B"), (1_092_945, "1.1 MB"), (2e9, "2.0 GB")])
def test_sizes_are_decimal(number: float | None, text: str):
    assert output.size(number) == text


def test_a_table_aligns_numbers_to_the_right_and_disarms_control_codes():
    shown = output.table(("NAME", "COUNT"), [("a\x1b[2J", -0.5), ("long name", 1234)])
    assert shown.splitlines() == ["NAME       COUNT", "a?[2J       -0.5", "long name   1234"]
