"""docker-compose.yml as Compose would read it, on servers of this machine instead of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.deployment.test_compose import COMPOSE

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@dataclass(frozen=True)
class Service:
    """One of ours: what it runs, with which settings and volumes."""

    name: str
    command: list[str]
    environment: dict[str, str]
    volumes: dict[str, str]  # path inside, with `:ro` where it is that, by the volume's name
    dockerfile: str


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with `variables` of an .env in it. Raises KeyError with what the file says of one that is missing."""

    def filled(part: Any) -> Any:
        """Values alone, once parsed: a password may hold what means something to YAML."""
        if isinstance(part, dict):
            return {key: filled(value) for key, value in part.items()}
        if isinstance(part, list):
            return [filled(value) for value in part]
        return _VARIABLE.sub(value, part) if isinstance(part, str) else part

    def value(found: re.Match[str]) -> str:
        name, kind, text = found.groups()
        if variables.get(name):
            return variables[name]
        if kind == "?":
            raise KeyError(f"{name}: {text}")
        return text or ""

    return dict(filled(yaml.safe_load(COMPOSE.read_text())))


def services(file: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Service]:
    """Those that are built here; each name of a server in the file is replaced by its address on this machine."""

    def local(text: str) -> str:
        for name, address in addresses.items():
            text = text.replace(name, address)
        return text

    found = {}
    for name, service in file["services"].items():
        if "build" in service:
            pairs = (volume.partition(":") for volume in service.get("volumes", []))
            found[name] = Service(
                name=name,
                command=list(service.get("command", [])),
                environment={key: local(str(value)) for key, value in service.get("environment", {}).items()},
                volumes={volume: told for volume, _, told in pairs},
                dockerfile=service["build"]["dockerfile"],
            )
    return found
