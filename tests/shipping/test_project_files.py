"""Files about the project follow their formats, and name what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.shipping.building import ROOT

BIN = Path(sys.executable).parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


@pytest.mark.parametrize(
    ("schema", "name"), [("github-workflows", ".github/workflows/ci.yml"), ("citation-file-format", "CITATION.cff")]
)
def test_file_follows_its_schema(schema: str, name: str):
    command = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", name]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_workflow_runs_what_ci_runs():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert {"run": "bash .ci/run"} in workflow["jobs"]["all"]["steps"]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hook_is_a_line_of_make_lint(hook: dict):
    """By the tool that the Makefile runs, from the environment that it makes; or of a schema that tests check."""
    tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
    assert (BIN / tool).exists()
    assert re.search(rf"^\t\$\((?:VENV\)/bin/{tool}|PYTHON)", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_license_is_the_whole_of_it():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text
