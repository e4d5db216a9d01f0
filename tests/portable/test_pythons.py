"""What lies in a bundle runs on Pythons that the service itself does not support."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import vermin

from portable.tasks import TASKS
from trainer.export.bundle import readme
from trainer.export.formats import onnx

ROOM = Path(__file__).parents[2] / "portable"
STAYS_HERE = {"__init__.py", "golden.py", "latency.py", "profiling.py", "tasks.py"}  # devices run these by our wheel
CARRIED = sorted(path for path in ROOM.rglob("*.py") if path.name not in STAYS_HERE)


class Run(ast.NodeTransformer):
    """A program without what type checkers alone look at."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def oldest_python(program: str) -> tuple[int, int]:
    """By syntax, modules and functions; annotations are not evaluated."""
    _, of_python_3 = vermin.detect(ast.unparse(Run().visit(ast.parse(program))))
    return of_python_3


@pytest.mark.parametrize("path", CARRIED, ids=lambda path: path.name)
def test_program_of_a_bundle_needs_no_newer_python_than_its_readme_says(path: Path) -> None:
    program = path.read_text()
    assert "from __future__ import annotations\n" in program
    stated = tuple(map(int, readme.PYTHON.split(".")))
    assert oldest_python(program) <= stated


@pytest.mark.parametrize(
    "newer", ["{} | {'a': 1}", "zip([], [], strict=True)", "'a'.removeprefix('a')", "import tomllib"]
)
def test_what_would_need_a_newer_python_is_noticed(newer: str) -> None:
    assert oldest_python(newer) > (3, 8)


def test_every_program_of_a_bundle_is_looked_at() -> None:
    assert {Path(str(module.__file__)) for module in TASKS.values()} | {Path(onnx.RUNTIME.__file__)} <= set(CARRIED)
