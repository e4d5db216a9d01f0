"""The rooms keep apart: who may import whom, who does without torch, and what lies where."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.rules import ROOTS, RULES

ROOT = Path(__file__).parents[1]
PROGRAM = str(ROOT / "tests" / "import_without_torch.py")
SERVICE = ["api", "contract", "core", "ingest", "migrations", "portable", "trainer", "worker"]
# What lies beside the folders of a room. A new module belongs into a folder; one that does not needs its name here.
BESIDE_FOLDERS = {
    "api": "__main__ app browser_runtime console context description digits guide openapi",
    "contract": "allocator architectures costs files formats image_files predictions strict tasks weights",
    "core": (
        "bootstrap doctor errors ids keyfiles listing provision queue removals request_id settings signing tenants "
        "workers"
    ),
    "ingest": "__main__ findings ingestion limits marks names notes samples",
    "migrations": "__main__ env",
    "patchswap": "__main__ archive client credentials errors messages receipts retries signatures transport version",
    "portable": (
        "boxes build_engine classification golden infer latency preprocess profiling segmentation tasks verify weights"
    ),
    "trainer": "__main__ errors evaluation image_predictions pushed_weights trial",
    "worker": "__main__ app",
}
# Folders whose `__init__` hands on, chooses or explains. Every other one is a line that says what the folder is for.
FACES = {
    "api/routes",
    "contract/specs",
    "contract/specs/recipes",
    "core/comparisons",
    "core/tables",
    "ingest",
    "patchswap",
    "patchswap/cli",
    "patchswap/local/embedded",
    "patchswap/resources",
    "trainer/export",
    "trainer/export/formats",
    "trainer/export/ladder",
    "trainer/export/qat",
    "trainer/models",
    "trainer/report",
    "trainer/tasks",
    "trainer/tasks/classification/methods",
    "trainer/tasks/detection/methods",
    "trainer/tasks/segmentation/methods",
}
WITHOUT_SERVICE = "import sys; sys.modules.update(dict.fromkeys({service})); import {module}"


@pytest.mark.parametrize("package", ["api", "contract", "core", "ingest", "patchswap", "worker"])
def test_package_imports_without_torch(package: str):
    done = subprocess.run([sys.executable, PROGRAM, package], check=False, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def test_trainer_does_not_import_without_torch():
    """The check above can fail: where torch is needed, it says so."""
    done = subprocess.run([sys.executable, PROGRAM, "trainer"], check=False, capture_output=True, text=True, cwd="/")
    assert "No module named 'torch" in done.stderr


@pytest.mark.parametrize("module", ["patchswap", "patchswap.local.up"])
def test_client_imports_where_the_service_is_not_installed(module: str):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVICE.format(service=SERVICE, module=module)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ROOTS)
def test_no_module_lies_beside_the_folders_without_its_name_here(room: str):
    found = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
    assert found - set(BESIDE_FOLDERS[room].split()) == set()


def test_init_is_one_line_unless_it_is_a_face():
    longer = set()
    for room in ROOTS:
        for init in (ROOT / room).rglob("__init__.py"):
            lines = init.read_text().splitlines()
            assert lines or init.parent == ROOT / room, f"{init.relative_to(ROOT)} does not say what the folder is for"
            longer |= {init.parent.relative_to(ROOT).as_posix()} if len(lines) > 1 else set()
    assert longer == FACES


# Whole archives as people keep them: no one reader's.
WHOLE_ARCHIVES = Path("ingest/cases")


@pytest.mark.parametrize("room", [*ROOTS, "bench"])
def test_tests_lie_as_the_rooms_do(room: str):
    tested = {test.parent.relative_to(ROOT / "tests") for test in (ROOT / "tests" / room).rglob("*.py")}
    tested -= {WHOLE_ARCHIVES}
    assert sorted(str(folder) for folder in tested if not (ROOT / folder).is_dir()) == []


def test_no_import_is_excepted_from_the_rules():
    assert RULES["importlinter"]["exclude_type_checking_imports"] == "False"
    assert [section for section in RULES.sections() if RULES.has_option(section, "ignore_imports")] == []


def test_every_folder_has_a_layer():
    """`exhaustive`: import-linter refuses a module that stands in none."""
    layered = [section for section in RULES.sections() if RULES.has_option(section, "containers")]
    assert [section for section in layered if RULES.get(section, "exhaustive", fallback="") != "True"] == []
    assert {RULES[section]["containers"].strip() for section in layered} >= set(ROOTS) - {"migrations", "portable"}


def test_images_are_built_from_every_room():
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert [room for room in ROOTS if f"!{room}" not in sent] == []


def test_types_are_checked_in_every_room():
    assert sorted(mypy()["packages"]) == sorted(ROOTS)
    assert mypy()["strict"]


def test_what_mypy_excepts_has_its_reason():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    reasons = [after for line, after in pairwise(lines) if line == "[[tool.mypy.overrides]]"]
    assert len(reasons) == len(mypy()["overrides"])
    assert all(reason.startswith("# ") for reason in reasons)


def mypy() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
