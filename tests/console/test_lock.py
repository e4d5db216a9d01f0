"""The console's packages are those of its lock, and `npm ci` takes no other."""

from __future__ import annotations

import json
from pathlib import Path

CONSOLE = Path(__file__).parents[2] / "console"
LOCKED = json.loads((CONSOLE / "package-lock.json").read_text())["packages"]


def test_every_package_that_is_named_is_locked_by_its_hash():
    """Optional ones of other systems too: `npm ci` refuses a lock that leaves one out."""
    for path, package in LOCKED.items():
        if path:
            assert package["integrity"].startswith("sha512-"), path
        for name in {**package.get("dependencies", {}), **package.get("optionalDependencies", {})}:
            assert _found(path, name), f"{path or 'package.json'} needs {name}, which the lock does not have"


def test_the_lock_is_of_package_json():
    asked = json.loads((CONSOLE / "package.json").read_text())["devDependencies"]
    assert LOCKED[""]["devDependencies"] == asked
    assert {name: LOCKED[f"node_modules/{name}"]["version"] for name in asked} == asked


def _found(path: str, name: str) -> bool:
    """Beside the package itself, or in a folder above it, as Node looks."""
    above = path
    while above:
        if f"{above}/node_modules/{name}" in LOCKED:
            return True
        above = above.rpartition("/node_modules/")[0]
    return f"node_modules/{name}" in LOCKED
