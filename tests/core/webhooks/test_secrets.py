"""Secrets of webhooks in the ledger: sealed where there are keys, opened by any of them, replaced without a gap."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, update

from core.database.database import transaction
from core.tables import Webhook
from core.webhooks import requests, secrets
from tests.conftest import forget_settings
from tests.worker import seed

URL = "https://example.com/hook"
Keyed = Callable[..., Path]


@pytest.fixture
def keyed(database: str, tmp_path: Path, monkeypatch) -> Keyed:
    """Sets the file of keys; each call makes another file."""
    files = (tmp_path / f"keys-{number}" for number in range(10))

    def use(*lines: bytes) -> Path:
        path = next(files)
        path.write_bytes(b"\n".join(lines) + b"\n")
        monkeypatch.setenv("PATCHSWAP_WEBHOOK_KEYS_FILE", str(path))
        forget_settings()
        return path

    return use


def made() -> tuple[str, str]:
    """The id of a new webhook, and its secret."""
    with transaction() as session:
        row, secret = requests.create(session, seed.tenant(), url=URL, events=["*"], description=None)
        return row.id, secret


def read(webhook_id: str) -> Webhook:
    with transaction() as session:
        return session.get_one(Webhook, webhook_id)


def rotate(webhook_id: str, overlap_seconds: float) -> str:
    with transaction() as session:
        return secrets.rotate(session, session.get_one(Webhook, webhook_id), overlap_seconds=overlap_seconds)


def test_sealed_secret_is_not_in_its_row_and_signs(keyed: Keyed):
    keyed(Fernet.generate_key())
    webhook_id, secret = made()
    new = rotate(webhook_id, 60)
    row = read(webhook_id)
    stored = [row.secret, *row.former_secrets]
    assert len(stored) == 2
    assert not any(known in text for known in (secret, new, secrets.PREFIX) for text in stored)
    assert secrets.in_force(row) == [new, secret]


def test_secret_from_before_there_were_keys_signs_on(keyed: Keyed):
    webhook_id, secret = made()
    assert read(webhook_id).secret == secret
    keyed(Fernet.generate_key())
    assert secrets.in_force(read(webhook_id)) == [secret]
    new = rotate(webhook_id, 60)
    assert secrets.in_force(read(webhook_id)) == [new, secret]
    assert not read(webhook_id).secret.startswith(secrets.PREFIX)


def test_first_key_seals_and_each_key_opens(keyed: Keyed, monkeypatch):
    old, new = Fernet.generate_key(), Fernet.generate_key()
    keyed(old)
    webhook_id, secret = made()
    keyed(new, old)
    assert secrets.in_force(read(webhook_id)) == [secret]
    rotate(webhook_id, 0)
    keyed(new)
    assert len(secrets.in_force(read(webhook_id))) == 1
    keyed(old)
    with pytest.raises(secrets.UnusableKeys, match=r"No key in .* decrypts the secret"):
        secrets.in_force(read(webhook_id))
    monkeypatch.delenv("PATCHSWAP_WEBHOOK_KEYS_FILE")
    forget_settings()
    with pytest.raises(secrets.UnusableKeys, match="Set PATCHSWAP_WEBHOOK_KEYS_FILE"):
        secrets.in_force(read(webhook_id))


def test_former_secret_ends_with_its_time_and_none_without(database: str):
    webhook_id, first = made()
    second = rotate(webhook_id, 60)
    assert secrets.in_force(read(webhook_id)) == [second, first]
    with transaction() as session:
        session.execute(update(Webhook).values(former_secrets_until=func.now() - timedelta(seconds=1)))
    assert secrets.in_force(read(webhook_id)) == [second]
    third = rotate(webhook_id, 60)
    assert secrets.in_force(read(webhook_id)) == [third, second]  # the one whose time was over is forgotten
    fourth = rotate(webhook_id, 0)
    assert secrets.in_force(read(webhook_id)) == [fourth]
    assert read(webhook_id).former_secrets == []


def test_rotations_whose_answers_are_lost_do_not_push_out_the_one_that_receivers_know(database: str):
    webhook_id, known = made()
    later = [rotate(webhook_id, 60) for _ in range(secrets.MOST_FORMER)]
    assert secrets.in_force(read(webhook_id)) == [*reversed(later), known]
    newest = rotate(webhook_id, 60)
    assert len(secrets.in_force(read(webhook_id))) == 1 + secrets.MOST_FORMER
    assert secrets.in_force(read(webhook_id))[0] == newest


@pytest.mark.parametrize("content", [b"", b"no key\n", b"AAAA\n"])
def test_file_without_keys_is_refused_with_the_remedy(keyed: Keyed, content: bytes):
    path = keyed(content)
    with pytest.raises(secrets.UnusableKeys, match=f"{path} holds no Fernet keys.*--create FILE"):
        secrets.require_usable()
    path.unlink()
    secrets._read.cache_clear()
    with pytest.raises(secrets.UnusableKeys, match=f"{path} cannot be read: No such file"):
        secrets.require_usable()


def test_command_makes_a_file_that_its_owner_alone_reads_and_replaces_none(keyed: Keyed, tmp_path: Path):
    path = tmp_path / "keys"
    (tmp_path / ".keys.partial").write_text("killed in the middle of it")
    command = [sys.executable, "-m", "core.webhooks.secrets", "--create", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(path) in told
    key = path.read_bytes()
    assert key.decode().strip() not in told
    assert path.stat().st_mode & 0o777 == 0o600
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stderr) == (
        1,
        f"{path}: This file exists, and keys are not replaced. Name another file.\n",
    )
    assert path.read_bytes() == key
    keyed(key.strip())
    assert secrets.unseal(secrets.seal("whsec_x")) == "whsec_x"
