"""The client alone on every Python of this machine: `make test-pythons`. Says what passed, what was left out, and why.

Each Python gets a fresh environment with the wheel and pytest, and the tests in a folder outside the checkout.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.shipping import client_tests, environments
from tests.shipping.building import ROOT, build

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TOOLS = ("pytest", "pytest-timeout", "hypothesis")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.shipping.pythons", description=__doc__)
    parser.add_argument("--only", choices=VERSIONS, help="this one, and fail where it is not here")
    only = parser.parse_args().only
    chosen, left_out = client_tests.sorted_out()
    results: dict[str, tuple[bool, str]] = {}
    with tempfile.TemporaryDirectory(prefix="patchswap-pythons-") as folder:
        wheel = build("wheel", _made(Path(folder) / "dist"))
        tests = _copy(_made(Path(folder) / "tests"))
        for version in [only] if only else VERSIONS:
            python = interpreter(version)
            if python is None:
                results[version] = (not only, "not on this machine: nothing was tested")
                continue
            results[version] = _test(Path(folder) / version, python, wheel, tests, chosen)
    for version, (_, told) in results.items():
        print(f"Python {version}: {told}")
    _explain(chosen, left_out)
    return 0 if all(passed for passed, _ in results.values()) else 1


def _test(folder: Path, python: str, wheel: Path, tests: Path, chosen: list[Path]) -> tuple[bool, str]:
    """Whether all passed, and pytest's last line or pip's."""
    try:
        there = environments.make(_made(folder) / "venv", wheel, None, python)
    except RuntimeError as refusal:
        return False, f"cannot be installed: {str(refusal).strip().splitlines()[-1]}"
    lock = str(ROOT / "constraints.txt")
    done = there.run(there.python, "-m", "pip", "install", "--quiet", "--constraint", lock, *TOOLS)
    if done.returncode:
        return False, f"pytest cannot be installed: {done.stderr.strip().splitlines()[-1]}"
    files = [str(tests / path.relative_to(ROOT)) for path in chosen]
    done = there.run(there.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, *files)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    return done.returncode == 0, f"{done.stdout.strip().splitlines()[-1]} ({python})"


def interpreter(version: str) -> str | None:
    """On the path, or one of pyenv's; a shim of pyenv that leads nowhere does not count."""
    folder = Path("~/.pyenv/versions").expanduser()
    of_pyenv = sorted(folder.glob(f"{version}.*/bin/python{version}"))
    for python in filter(None, [shutil.which(f"python{version}"), *map(str, reversed(of_pyenv))]):
        if subprocess.run([python, "-c", "import venv"], check=False, capture_output=True).returncode == 0:
            return python
    return None


def _copy(folder: Path) -> Path:
    """The tests, without the conftest.py files that need a service; pytest's settings beside them."""
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path in client_tests.unusable_conftests():
        (folder / path.relative_to(ROOT)).unlink()
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _explain(chosen: list[Path], left_out: dict[Path, str]) -> None:
    print(f"{len(chosen)} files of tests/patchswap need the client alone; {len(left_out)} were left out:")
    for reason, count in Counter(left_out.values()).most_common():
        names = ", ".join(str(path.relative_to(client_tests.TESTS)) for path, why in left_out.items() if why == reason)
        print(f"  {reason} ({count}): {names}")


if __name__ == "__main__":
    sys.exit(main())
