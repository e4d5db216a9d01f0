"""One place says the version: patchswap/version.py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version

from patchswap.version import USER_AGENT, VERSION
from tests.shipping.building import ROOT


def test_all_that_tell_a_version_tell_the_same():
    """The installed package is what the api and its document are made by; after a change of it, `make install`."""
    assert version("patchswap") == VERSION
    assert json.loads((ROOT / "docs/openapi.json").read_text())["info"]["version"] == VERSION
    command = [sys.executable, "-m", "patchswap", "version"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == f"patchswap {VERSION}\n"
    assert USER_AGENT.endswith(f"/{VERSION}")


def test_no_other_file_states_it():
    stated = re.compile(rf"""version\s*[=:]\s*["']{re.escape(VERSION)}["']""", re.IGNORECASE)
    for name in ("pyproject.toml", "CITATION.cff", "hatch_build.py", "docker-compose.yml"):
        assert not stated.search((ROOT / name).read_text()), name


def test_changelog_has_an_entry_for_it_and_one_for_what_comes():
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert VERSION in headings
