"""How the service's own programs are started, from a checkout and from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchswap.local import service


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the service's packages as a wheel has it; here with one package, which says who asked."""
    folder = tmp_path / "_service"
    (folder / "roomy").mkdir(parents=True)
    (folder / "roomy" / "__init__.py").touch()
    (folder / "roomy" / "__main__.py").write_text("print('in the room')\n")
    monkeypatch.setattr(service, "FOLDER", folder)
    return folder


def test_a_checkout_needs_no_path():
    assert service.variables({"HOME": "/root"}) == {"HOME": "/root"}


def test_a_wheel_puts_its_packages_before_what_the_user_has_on_the_path(installed: Path):
    assert service.variables({"PYTHONPATH": "/mine"})["PYTHONPATH"] == f"{installed}{os.pathsep}/mine"
    assert service.variables({})["PYTHONPATH"] == str(installed)


def test_a_program_and_its_own_children_find_the_packages(installed: Path):
    grandchild = f"import subprocess, sys; subprocess.run({service.command('roomy')!r}, check=True)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", grandchild],
        check=False,
        capture_output=True,
        text=True,
        env=service.variables(os.environ),
        cwd="/",
    )
    assert done.stdout == "in the room\n", done.stderr


def test_a_folder_that_one_stands_in_shadows_nothing(installed: Path, tmp_path: Path):
    (tmp_path / "roomy").mkdir()
    (tmp_path / "roomy" / "__init__.py").touch()
    (tmp_path / "roomy" / "__main__.py").write_text("print('a stranger')\n")
    done = subprocess.run(
        service.command("roomy"),
        check=False,
        capture_output=True,
        text=True,
        env=service.variables(os.environ),
        cwd=tmp_path,
    )
    assert done.stdout == "in the room\n", done.stderr


def test_the_folder_can_be_asked_for():
    done = subprocess.run(
        [sys.executable, "-m", "patchswap.local.service"], check=False, capture_output=True, text=True
    )
    assert done.stdout == f"{Path(__file__).parents[3]}\n", done.stderr
