"""Which tests need the client alone, and no package of a service: read from what each file imports and asks for."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from tests.shipping.building import ROOT

TESTS = ROOT / "tests" / "patchswap"
# What the client is installed with, what its tests run by, and our own two names.
ALONE = {
    "cryptography",
    "httpx",
    "hypothesis",
    "patchswap",
    "pydantic",
    "pytest",
    "rich",
    "standardwebhooks",
    "tests",
    "typer",
}
# How a service is found and started, which a client has not.
OF_A_SERVICE = "patchswap.local."


def sorted_out() -> tuple[list[Path], dict[Path, str]]:
    """The files that the client alone can run, and of each other one the reason why it cannot."""
    files = sorted(TESTS.rglob("test_*.py"))
    reasons = {path: reason for path in files if (reason := _obstacle(path))}
    return [path for path in files if path not in reasons], reasons


def unusable_conftests() -> list[Path]:
    """They import what is not there, and would be loaded before any test."""
    return [path for path in (ROOT / "tests").rglob("conftest.py") if _foreign(path)]


def _obstacle(path: Path) -> str | None:
    if found := _foreign(path):
        return found
    asked = {argument.arg for function in _functions(path) for argument in function.args.args}
    for conftest in (
        path.parent / "conftest.py" for path in [path, *path.parents] if path.is_relative_to(ROOT / "tests")
    ):
        if conftest.is_file() and (names := asked & _fixtures(conftest)):
            for name in sorted(names):
                if why := _foreign(conftest) or _obstacle_of_fixture(conftest, name):
                    return f"asks for the fixture `{name}`, which {why}"
    return None


def _obstacle_of_fixture(conftest: Path, name: str) -> str | None:
    """That of a fixture which a further one needs, of a conftest.py above."""
    (function,) = (function for function in _functions(conftest) if function.name == name)
    for argument in (argument.arg for argument in function.args.args):
        for above in (folder / "conftest.py" for folder in conftest.parents if folder.is_relative_to(ROOT / "tests")):
            if above.is_file() and argument in _fixtures(above) and (why := _foreign(above)):
                return why
    return None


@cache
def _foreign(path: Path) -> str | None:
    """The first import that a client has not, of this file or of a test module that it imports."""
    for name in _imported(path):
        package = name.split(".")[0]
        if package not in ALONE | sys.stdlib_module_names:
            return f"imports {package}"
        if name.startswith(OF_A_SERVICE):
            return "is about the service of this machine"
        if (
            package in ("patchswap", "tests")
            and (within := _file(name))
            and within != path
            and (found := _foreign(within))
        ):
            return found
    return None


def _imported(path: Path) -> list[str]:
    """Full names at the head of a file; what a function imports, it imports when it is called."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def _file(name: str) -> Path | None:
    """The file of a module of ours, or of the one that a name stands in."""
    path = ROOT / name.replace(".", "/")
    for place in (path, path.parent):
        if place.with_suffix(".py").is_file():
            return place.with_suffix(".py")
    return None


def _functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def _fixtures(path: Path) -> set[str]:
    return {
        function.name for function in _functions(path) if "fixture" in "".join(map(ast.dump, function.decorator_list))
    }
