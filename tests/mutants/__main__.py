"""`python -m tests.mutants [PATCH...]`: every patch on a copy of the tree, and the tests that should catch it.

First those tests run on the unchanged copy: a test that fails anyway catches nothing. Exits with 1 unless each patch
applies and each bug is caught.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.rules import ROOTS

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
_ROOMS = (*ROOTS, "bench", "docs", "tests", "pyproject.toml")
_FAILED = 1  # pytest's status for tests that ran and failed; a broken collection or a typo has another
_SECONDS = 900
_TOO_LONG = 124


@dataclass(frozen=True)
class Mutant:
    file: Path
    bug: str
    tests: Sequence[str]

    @property
    def name(self) -> str:
        return self.file.stem


def read(file: Path) -> Mutant:
    """What the head of a patch says of it."""
    bug, tests = file.read_text().splitlines()[:2]
    return Mutant(file, bug.removeprefix("Bug: "), tests.removeprefix("Caught by: ").split())


def mutants() -> list[Mutant]:
    return [read(file) for file in sorted(FOLDER.glob("*.patch"))]


def copied(folder: Path) -> Path:
    tree = folder / "tree"
    tree.mkdir()
    for room in _ROOMS:
        copy = shutil.copytree if (ROOT / room).is_dir() else shutil.copy2
        options = {"ignore": shutil.ignore_patterns("__pycache__")} if copy is shutil.copytree else {}
        copy(ROOT / room, tree / room, **options)
    return tree


def apply(mutant: Mutant, tree: Path, *options: str) -> bool:
    # One line of context is enough: a neighbour's change must not make a mutant stale.
    command = ["git", "apply", "-C1", *options, str(mutant.file)]
    # Without a repository around it, git takes paths as they stand in the patch.
    done = subprocess.run(command, cwd=tree, check=False, capture_output=True, text=True, env=_outside(tree))
    sys.stderr.write(done.stderr)
    return done.returncode == 0


def run(tree: Path, tests: Sequence[str]) -> int:
    """pytest's status, or `_TOO_LONG`."""
    # The copy goes before the tree that is installed. No cached bytecode: a patch may leave a file's size and second.
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": "/nowhere",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    with (tree.parent / "pytest.log").open("wb") as log:
        try:
            return subprocess.run(
                command, cwd=tree, check=False, env=environment, stdout=log, stderr=log, timeout=_SECONDS
            ).returncode
        except subprocess.TimeoutExpired:
            return _TOO_LONG


def main() -> int:
    parser = argparse.ArgumentParser(description="Show that the suite notices bugs.")
    parser.add_argument("names", nargs="*", help="as 01-no-fence-check; all of them where none is named")
    names = parser.parse_args().names
    if unknown := set(names) - {mutant.name for mutant in mutants()}:
        parser.error(f"there is no {', '.join(sorted(unknown))} in {FOLDER}")
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    caught = 0
    with tempfile.TemporaryDirectory(prefix="patchswap-mutants-") as folder:
        tree = copied(Path(folder))
        status = run(tree, sorted({test for mutant in chosen for test in mutant.tests}))
        if status != 0:
            print((Path(folder) / "pytest.log").read_text()[-3000:])
            print("the tests fail without any bug; nothing can be said of the mutants")
            return 1
        for mutant in chosen:
            caught += _is_caught(mutant, tree)
    print(f"{caught} of {len(chosen)} caught")
    return 0 if caught == len(chosen) > 0 else 1


def _is_caught(mutant: Mutant, tree: Path) -> bool:
    begun = time.monotonic()
    if not apply(mutant, tree):
        print(f"{mutant.name:45} does not apply any more: mend the patch", flush=True)
        return False
    status = run(tree, mutant.tests)
    apply(mutant, tree, "--reverse")
    told = "caught" if status == _FAILED else f"NOT CAUGHT (pytest's status {status})"
    print(f"{mutant.name:45} {told} in {time.monotonic() - begun:.0f} s. {mutant.bug}", flush=True)
    return status == _FAILED


def _outside(tree: Path) -> dict[str, str]:
    return {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}


if __name__ == "__main__":
    sys.exit(main())
