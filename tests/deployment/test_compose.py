"""The deployment files cannot be run here; what can be known without Docker is checked."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from core import provision

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
OVERLAY = ROOT / "docker-compose.cpu.yml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILES = [ROOT / service["build"]["dockerfile"] for service in OURS.values()]


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / name), *arguments], check=False, capture_output=True, text=True, cwd=ROOT)


def last_stage(dockerfile: Path) -> str:
    return dockerfile.read_text().split("\nFROM ")[-1]


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
    assert re.search(r"^USER [1-9]\d+$", last_stage(dockerfile), re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last_stage(dockerfile), re.MULTILINE)


@pytest.mark.parametrize("name", ["worker-train", "worker-short"])
def test_worker_that_is_killed_from_inside_ends_its_container_and_is_started_again(name: str):
    """A container's first process ignores a SIGKILL from inside; so that must be an init."""
    assert SERVICES[name]["init"] is True
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize(("image", "extra"), [("api", "server"), ("worker", "worker")])
def test_image_installs_its_extra_as_the_lock_has_it(image: str, extra: str):
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text().replace("\\\n", "")
    assert re.search(
        rf"--constraint constraints.txt +--requirements pyproject.toml --extra {extra} --extra weights ", text
    )
    assert extra in PROJECT["project"]["optional-dependencies"]


def test_api_image_gets_no_torch_and_the_worker_image_the_one_of_make_install():
    assert "torch" not in (ROOT / "docker" / "api.Dockerfile").read_text().replace("No torch", "")
    pins = re.findall(r"torch(?:vision)?==[\d.]+", (ROOT / "docker" / "worker.Dockerfile").read_text())
    assert pins == re.findall(r"torch(?:vision)?==[\d.]+", (ROOT / "Makefile").read_text())


def test_worker_image_can_compile_and_load_what_it_compiled():
    """torch.compile loads libraries from its cache, and compose's /tmp lets nothing be run."""
    stage = last_stage(ROOT / "docker" / "worker.Dockerfile")
    assert "g++" in stage
    for variable in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        assert re.search(rf"{variable}=/scratch/\S+", stage)


@pytest.mark.parametrize("dockerfile", sorted(set(DOCKERFILES)), ids=lambda path: path.name)
def test_what_an_image_copies_reaches_the_builder(dockerfile: Path):
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.*) \./?$", dockerfile.read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} - {"."} <= set(sent)
    build = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {"hatch_build.py", "LICENSE", "README.md", *build["packages"], *build["hooks"]["custom"]["rooms"]} <= set(
        sent
    )


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
    found = importlib.util.find_spec(command[2])
    assert found, f"{place}: python -m {command[2]} does not exist"
    if found.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{command[2]}.__main__"), f"{place}: {command[2]} is no program"


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


@pytest.mark.parametrize("name", ["api", "worker-train", "worker-short"])
def test_services_start_after_the_keys_are_made_and_read_them_only(name: str):
    assert OURS[name]["depends_on"]["keys"] == {"condition": "service_completed_successfully"}
    keys = [volume for volume in OURS[name]["volumes"] if volume.startswith("keys-")]
    assert keys
    assert all(volume.endswith(":ro") for volume in keys)


def test_bundles_are_signed_and_secrets_sealed_and_the_api_sees_no_private_key():
    made = OURS["keys"]["command"]
    shared, workers = made[made.index("--shared") + 1], made[made.index("--workers") + 1]
    for name in ("api", "worker-train", "worker-short"):
        environment = OURS[name]["environment"]
        assert environment["PATCHSWAP_WEBHOOK_KEYS_FILE"] == f"{shared}/{provision.WEBHOOK_KEYS}"
    for name in ("worker-train", "worker-short"):
        assert OURS[name]["environment"]["PATCHSWAP_SIGNING_KEY_FILE"] == f"{workers}/{provision.SIGNING_KEY}"
    api = OURS["api"]
    assert api["environment"]["PATCHSWAP_SIGNING_PUBLIC_KEY_FILE"] == f"{shared}/{provision.SIGNING_KEY}.pub"
    assert not any("keys-workers" in volume for volume in api["volumes"])


def test_clients_and_containers_reach_the_objects_each_by_their_own_name():
    environment = OURS["api"]["environment"]
    assert environment["PATCHSWAP_S3_ENDPOINT"] == "http://s3:8333"
    assert "S3_PUBLIC_ENDPOINT" in environment["PATCHSWAP_S3_PUBLIC_ENDPOINT"]


def test_the_object_store_reports_to_nobody():
    assert "-master.telemetry=false" in SERVICES["s3"]["command"]


class _Reset(yaml.SafeLoader):
    """Knows compose's !reset: the value of the file below is dropped."""


RESET = object()
_Reset.add_constructor("!reset", lambda *_: RESET)


def laid_over(below, above):
    """As compose merges two files, as far as ours go."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    names = {name: laid_over(below.get(name), value) for name, value in above.items() if value is not RESET}
    return {name: value for name, value in below.items() if above.get(name) is not RESET} | names


def test_cpu_overlay_asks_for_no_gpu_and_for_a_build_of_torch(tmp_path: Path):
    assert "nvidia" in COMPOSE.read_text()
    overlay = yaml.load(OVERLAY.read_text(), Loader=_Reset)
    merged = laid_over(yaml.safe_load(COMPOSE.read_text()), overlay)
    assert "nvidia" not in str(merged)
    for name in ("worker-train", "worker-short"):
        build = merged["services"][name]["build"]
        assert build["args"]["TORCH_OPTIONS"].startswith("${TORCH_OPTIONS:?")
        assert build["dockerfile"] == "docker/worker.Dockerfile"
    (tmp_path / "merged.json").write_text(json.dumps(merged))
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(tmp_path / "merged.json"))
    assert done.returncode == 0, done.stdout


def test_every_variable_is_explained_in_the_example():
    used = set(re.findall(r"\$\{(\w+):", COMPOSE.read_text() + OVERLAY.read_text()))
    offered = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == offered
    assert {"GPU_COUNT", "API_MEMORY", "TRAIN_MEMORY", "SHORT_MEMORY"} <= used
