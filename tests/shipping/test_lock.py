"""constraints.txt holds every package that `make install` and the images ask for, on every Python, from nowhere."""

from __future__ import annotations

import re

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.shipping.building import ROOT
from tests.shipping.test_wheel import PROJECT

LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINNED_ELSEWHERE = {"torch", "torchvision"}  # in the Makefile and in the worker's image
# litert holds pydantic at 2.11: these have environments of their own, and pins in pyproject.toml
FORMATS = {"openvino", "executorch", "litert", "coreml"}
PLATFORMS = [
    {"python_version": version, "python_full_version": f"{version}.4", "sys_platform": platform} | more
    for version in ("3.11", "3.12", "3.13")
    for platform, more in (
        ("linux", {"platform_machine": "x86_64", "os_name": "posix", "platform_system": "Linux"}),
        ("darwin", {"platform_machine": "arm64", "os_name": "posix", "platform_system": "Darwin"}),
        ("win32", {"platform_machine": "AMD64", "os_name": "nt", "platform_system": "Windows"}),
    )
]


def asked_for() -> list[Requirement]:
    optional = PROJECT["project"]["optional-dependencies"]
    lines = [*PROJECT["project"]["dependencies"], *(r for name in optional.keys() - FORMATS for r in optional[name])]
    found = [Requirement(line) for line in lines]
    return [each for each in found if each.name not in PINNED_ELSEWHERE | {"patchswap"}]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: f"{p['python_version']}-{p['sys_platform']}")
def test_each_package_has_one_release_that_is_allowed(platform: dict[str, str]):
    environment = default_environment() | platform
    pins: dict[str, list[Requirement]] = {}
    for line in LINES:
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate(environment):
            pins.setdefault(pin.name.lower(), []).append(pin)
    assert not {name for name, several in pins.items() if len(several) > 1}
    for wanted in asked_for():
        if wanted.marker is None or wanted.marker.evaluate(environment):
            (pin,) = pins[wanted.name.lower()]
            (version,) = pin.specifier
            assert wanted.specifier.contains(version.version), f"{wanted}: the lock has {pin}; run `make lock`"


def test_no_address_of_an_index_and_no_path_is_in_it():
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9A-Za-z.!]+( ; [^/@]+)?", line) for line in LINES)


def test_torch_and_what_it_brings_for_gpus_is_whoever_installs_to_choose():
    assert not [line for line in LINES if re.match(r"torch==|torchvision==|triton|nvidia-|cuda-", line)]
