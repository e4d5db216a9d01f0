"""onnxruntime-web at /ui/runtime/: only what is known by its hash, or how to install it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import httpx
import pytest

from api import browser_runtime, console
from api.browser_runtime import NotThePackage, install
from tests.api.serving import Server

CONTENTS = {name: f"content of {name}".encode() for name in browser_runtime.SHA256}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(browser_runtime, "FOLDERS", (tmp_path / "none", tmp_path / "runtime"))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(browser_runtime, "SHA256", hashes)
    return tmp_path / "runtime"


@pytest.fixture
def reader(server: Server) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/ui/runtime/", trust_env=False, timeout=30)


def package(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_installed_files_are_served_under_the_policy_of_the_page(folder: Path, reader: httpx.Client, tmp_path: Path):
    install(package(tmp_path / "it.tgz", CONTENTS), folder)
    for name, content in CONTENTS.items():
        answer = reader.get(name)
        assert (answer.status_code, answer.content, answer.headers["Content-Encoding"]) == (200, content, "gzip")
        assert answer.headers["Content-Security-Policy"] == console.POLICY
        kind = "application/wasm" if name.endswith(".wasm") else "text/javascript"
        assert answer.headers["Content-Type"].startswith(kind)
        assert reader.get(name, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        assert reader.get(name, headers={"Accept-Encoding": "identity"}).content == content
    assert reader.get("it.tgz").status_code == 404


def test_where_it_is_missing_the_answer_says_how_to_install_it(folder: Path, reader: httpx.Client):
    answer = reader.get("ort.wasm.min.mjs")
    assert answer.status_code == 404
    assert f"npm pack onnxruntime-web@{browser_runtime.VERSION}" in answer.json()["detail"]


@pytest.mark.parametrize("change", ["other bytes", "a file less", "no archive"])
def test_nothing_of_another_package_is_installed(folder: Path, tmp_path: Path, change: str):
    last = list(CONTENTS)[-1]
    held = CONTENTS | {last: b"evil"} if change == "other bytes" else {k: v for k, v in CONTENTS.items() if k != last}
    path = package(tmp_path / "it.tgz", held)
    if change == "no archive":
        path.write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(NotThePackage, match="onnxruntime-web"):
        install(path, folder)
    assert not folder.exists()
