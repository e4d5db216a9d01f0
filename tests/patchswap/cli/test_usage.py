"""The command line without a service: what is wrong is said in one line, with the remedy, and the right exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patchswap.cli.conftest import Run, complaint
from tests.servers.processes import spare_port


def test_without_credentials_the_remedy_is_named(run: Run):
    done = run("jobs", "list")
    assert done.returncode == 2
    assert "patchswap login" in complaint(done)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["datasets", "push", "missing"], "There is no file or folder missing."),
        (["datasets", "push", "empty"], "There are no images in empty"),
        (["datasets", "push", "notes.txt"], "notes.txt is not a dataset"),
        (["datasets", "push", "nothing.zip"], "nothing.zip is empty"),
        (["train", "--dataset", "ds_1", "--set", "epochs"], "--set training.epochs=5"),
        (["train", "--dataset", "ds_1", "--spec", "missing.json"], "Cannot read missing.json"),
        (["train"], "Give --dataset"),
    ],
)
def test_wrong_input_is_said_before_anything_is_sent(run: Run, tmp_path: Path, arguments: list[str], message: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "nothing.zip").touch()
    done = run(*arguments, PATCHSWAP_URL=f"http://127.0.0.1:{spare_port()}", PATCHSWAP_API_KEY="psk_x")
    assert done.returncode == 2
    assert message in complaint(done)


def test_an_unknown_option_is_wrong_usage(run: Run):
    done = run("jobs", "list", "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_that_is_down_is_said_after_retries(run: Run):
    url = f"http://127.0.0.1:{spare_port()}"
    done = run("jobs", "list", PATCHSWAP_URL=url, PATCHSWAP_API_KEY="psk_x")
    assert done.returncode == 1
    assert f"Cannot reach {url}" in complaint(done)
    assert "patchswap up" in done.stderr


def test_version_is_json_when_asked(run: Run):
    done = run("version", "--json")
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"version"}


def test_help_loads_neither_http_nor_rich_nor_torch():
    program = (
        "import sys\n"
        "from patchswap.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    print([m for m in ('httpx', 'rich', 'torch', 'pydantic.main') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("place", [[], ["jobs"]], ids=["top", "jobs"])
def test_verbs_of_a_job_are_found_beside_the_others_of_jobs(run: Run, place: list[str]):
    done = run(*place, "pause", "--help")
    assert done.returncode == 0
    assert "Pause a job after a checkpoint" in done.stdout
