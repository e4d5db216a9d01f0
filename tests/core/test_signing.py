"""The key that bundles are signed with, and the seal on a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core import signing
from core.signing import UnusableKey
from patchswap import signatures
from patchswap.errors import DamagedFile
from tests.conftest import forget_settings


@pytest.fixture
def key(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "key.pem"
    signing.create(path)
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(path))
    monkeypatch.setenv("PATCHSWAP_SIGNING_PUBLIC_KEY_FILE", f"{path}.pub")
    forget_settings()
    return path


def bundle(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", '{"files": {}}')
    return path


def test_new_key_is_its_owners_alone_and_is_not_replaced(tmp_path: Path):
    path = tmp_path / "key.pem"
    command = [sys.executable, "-m", "core.signing", "--create", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes(), (tmp_path / "key.pem.pub").read_bytes()
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (again.returncode, "keys are not replaced" in again.stderr) == (1, True)
    assert before == (path.read_bytes(), (tmp_path / "key.pem.pub").read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key.pem", "key.pem.pub"]
    assert b"PRIVATE" not in done.stdout.encode() + before[1]


def test_sealed_bundle_is_known_by_the_public_key(key: Path, tmp_path: Path):
    path = bundle(tmp_path / "bundle.zip")
    signing.seal(path)
    once = path.read_bytes()
    signing.seal(path)  # as when storing is tried again
    assert path.read_bytes() == once
    public = signing.public_key()
    assert signatures.check_bundle(path, public.pem, required=True) == public.key_id
    twin = bundle(tmp_path / "twin.zip")
    signing.seal(twin)
    assert json.loads(zipfile.ZipFile(twin).read("signature.json"))["key_id"] == public.key_id


def test_nothing_is_signed_without_a_key(environment: dict[str, str], tmp_path: Path):
    path = bundle(tmp_path / "bundle.zip")
    before = path.read_bytes()
    signing.seal(path)
    assert path.read_bytes() == before
    assert signing.public_key() is None


def test_key_file_that_cannot_be_used_is_named(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, content, told in (("no.pem", None, "cannot be read"), ("bad.pem", b"x", "no key in PEM")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(tmp_path / name))
        monkeypatch.setenv("PATCHSWAP_SIGNING_PUBLIC_KEY_FILE", str(tmp_path / name))
        forget_settings()
        for load in (signing.private_key, signing.public_key):
            with pytest.raises(UnusableKey, match=told):
                load()
    done = subprocess.run(
        [sys.executable, "-m", "worker", "short"], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, "bad.pem is no key in PEM" in done.stderr) == (1, True)


def altered(path: Path, name: str, content: bytes, target: Path) -> Path:
    """The zip with one file put or replaced."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for member in {*old.namelist(), name}:
            new.writestr(member, content if member == name else old.read(member))
    return target


def test_altered_bundle_is_refused(key: Path, tmp_path: Path):
    path = bundle(tmp_path / "bundle.zip")
    signing.seal(path)
    pem = signing.public_key().pem
    other = signing.create(tmp_path / "other.pem")
    forged = json.dumps({"key_id": other.key_id, "signature": "AAAA"}).encode()
    for name, content in (
        ("manifest.json", b'{"files": {} }'),
        ("signature.json", forged),
        ("signature.json", b"{}"),
        ("signature.json", b"x"),
        ("extra.py", b"import os"),
    ):
        with pytest.raises(DamagedFile):
            signatures.check_bundle(altered(path, name, content, tmp_path / "a.zip"), pem, required=False)
    with pytest.raises(DamagedFile, match="not signed by this key"):
        signatures.check_bundle(path, other.pem, required=True)
    with pytest.raises(DamagedFile, match="not signed"):
        signatures.check_bundle(bundle(tmp_path / "unsigned.zip"), pem, required=True)
    assert signatures.check_bundle(tmp_path / "unsigned.zip", pem, required=False) is None
