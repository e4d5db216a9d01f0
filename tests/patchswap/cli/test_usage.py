"""The command line without a service: what is wrong is said in one line, with the remedy, and the right exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.processes import spare_port


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def run(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PATCHSWAP_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-m", "patchswap", *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment | {"HOME": str(home)} | variables,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_without_credentials_the_remedy_is_named(home: Path):
    done = run(home, "jobs", "list")
    assert done.returncode == 2
    assert "patchswap login" in only_line(done)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["datasets", "push", "missing"], "there is no file or folder missing"),
        (["datasets", "push", "empty"], "there are no images in empty"),
        (["datasets", "push", "notes.txt"], "notes.txt is no dataset"),
        (["datasets", "push", "nothing.zip"], "nothing.zip is empty"),
        (["train", "--dataset", "ds_1", "--set", "epochs"], "--set training.epochs=5"),
        (["train", "--dataset", "ds_1", "--spec", "missing.json"], "cannot read missing.json"),
        (["train"], "give --dataset"),
    ],
)
def test_wrong_input_is_said_before_anything_is_sent(home: Path, arguments: list[str], message: str, monkeypatch):
    (home / "empty").mkdir()
    (home / "notes.txt").write_text("x")
    (home / "nothing.zip").touch()
    monkeypatch.chdir(home)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    done = run(home, *arguments, PATCHSWAP_URL=f"http://127.0.0.1:{spare_port()}", PATCHSWAP_API_KEY="psk_x")
    assert done.returncode == 2
    assert message in only_line(done)


def test_an_unknown_option_is_wrong_usage(home: Path):
    done = run(home, "jobs", "list", "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_that_is_down_is_said_after_retries(home: Path):
    url = f"http://127.0.0.1:{spare_port()}"
    done = run(home, "jobs", "list", PATCHSWAP_URL=url, PATCHSWAP_API_KEY="psk_x")
    assert done.returncode == 1
    assert f"cannot reach {url}" in only_line(done)
    assert "patchswap up" in done.stderr


def test_version_is_json_when_asked(home: Path):
    done = run(home, "version", "--json")
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"version"}


def test_help_loads_neither_http_nor_rich_nor_torch(home: Path):
    program = (
        "import sys\n"
        "from patchswap.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    print([m for m in ('httpx', 'rich', 'torch', 'pydantic.main') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_starts_quickly(home: Path):
    run(home, "version")
    begun = time.perf_counter()
    run(home, "version")
    assert time.perf_counter() - begun < 2.0  # 0.25 s on an idle machine
