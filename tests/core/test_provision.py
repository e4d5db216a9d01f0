"""The keys of a deployment: made once, each where only those see it who need it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core import provision, signing
from core.webhooks import secrets
from tests.conftest import forget_settings


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    found = tmp_path / "workers", tmp_path / "shared"
    for folder in found:
        folder.mkdir()
    return found


def contents(folders: tuple[Path, Path]) -> dict[str, bytes]:
    return {f"{folder.name}/{path.name}": path.read_bytes() for folder in folders for path in folder.iterdir()}


def run(workers: Path, shared: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "core.provision", "--workers", str(workers), "--shared", str(shared)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_keys_are_made_once_and_a_second_start_leaves_them(folders):
    first = run(*folders)
    assert (first.returncode, len(first.stdout.splitlines())) == (0, 3), first.stderr
    made = contents(folders)
    assert set(made) == {
        "workers/signing_key.pem",
        "workers/signing_key.pem.pub",
        "shared/signing_key.pem.pub",
        "shared/webhook_keys",
    }
    again = run(*folders)
    assert (again.returncode, again.stdout) == (0, "")
    assert contents(folders) == made


def test_the_api_gets_no_private_key(folders):
    provision.provide(*folders)
    assert not [name for name, held in contents(folders).items() if name.startswith("shared/") and b"PRIVATE" in held]


def test_what_they_make_signs_and_seals(folders, strict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    workers, shared = folders
    provision.provide(workers, shared)
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(workers / "signing_key.pem"))
    monkeypatch.setenv("PATCHSWAP_SIGNING_PUBLIC_KEY_FILE", str(shared / "signing_key.pem.pub"))
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_KEYS_FILE", str(shared / "webhook_keys"))
    forget_settings()
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("manifest.json", "{}")
    signing.seal(bundle)
    with zipfile.ZipFile(bundle) as archive:
        assert signing.public_key().key_id in archive.read("signature.json").decode()
    secret = secrets.new()
    sealed = secrets.seal(secret)
    assert not sealed.startswith(secrets.PREFIX)
    assert secrets.unseal(sealed) == secret


def test_public_key_that_was_lost_comes_back(folders):
    provision.provide(*folders)
    made = contents(folders)
    (folders[1] / "signing_key.pem.pub").unlink()
    assert len(provision.provide(*folders)) == 1
    assert contents(folders) == made


def test_folder_that_is_not_there_is_named(folders, tmp_path: Path):
    done = run(folders[0], tmp_path / "none")
    assert done.returncode == 1
    assert (
        done.stderr
        == f"python -m core.provision: {tmp_path}/none/.signing_key.pem.pub.partial: No such file or directory\n"
    )
