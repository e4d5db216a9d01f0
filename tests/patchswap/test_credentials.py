"""Where the url and the key come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchswap import credentials
from patchswap.credentials import Credentials
from patchswap.errors import NoCredentials

A, B, LOCAL = "http://a.example", "https://b.example", "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    for name in ("PATCHSWAP_URL", "PATCHSWAP_API_KEY", "PATCHSWAP_DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def start_local(home: Path) -> None:
    (home / ".patchswap").mkdir()
    (home / ".patchswap" / "client.json").write_text(json.dumps({"url": LOCAL, "api_key": "local"}))


def test_arguments_win_over_the_environment_the_login_and_the_local_service(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    start_local(home)
    assert credentials.find() == Credentials(LOCAL, "local")
    credentials.save(Credentials(A, "login"))
    assert credentials.find() == Credentials(A, "login")
    monkeypatch.setenv("PATCHSWAP_URL", B + "/")
    monkeypatch.setenv("PATCHSWAP_API_KEY", "environment")
    assert credentials.find() == Credentials(B, "environment")
    assert credentials.find(A, "argument") == Credentials(A, "argument")


def test_a_stored_key_is_only_sent_to_the_url_it_was_stored_for(home: Path):
    start_local(home)
    credentials.save(Credentials(A, "login"))
    assert credentials.find(LOCAL + "/") == Credentials(LOCAL, "local")
    with pytest.raises(NoCredentials, match=r"no key for https://b\.example"):
        credentials.find(B)


def test_without_anything_the_message_says_what_to_do():
    with pytest.raises(NoCredentials, match=r"patchswap login.*PATCHSWAP_API_KEY.*patchswap up"):
        credentials.find()


def test_the_login_file_is_for_its_owner_only():
    path = credentials.save(Credentials(A, "secret"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert credentials.save(Credentials(B, "other")) == path
    assert credentials.read(path) == Credentials(B, "other")


def test_a_torn_login_file_is_named(home: Path):
    path = credentials.save(Credentials(A, "secret"))
    path.write_text('{"url": "http')
    with pytest.raises(NoCredentials, match=f"Cannot read {path}"):
        credentials.find()


@pytest.mark.parametrize(
    "url", ["example:8000", "http://", "http://example:port", "http://[::1", "http://exa mple", "ftp://example"]
)
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(NoCredentials, match="http://HOST:PORT"):
        credentials.find(url, "key")


def test_a_key_is_not_shown_in_a_traceback():
    assert "secret" not in repr(Credentials(A, "secret"))
