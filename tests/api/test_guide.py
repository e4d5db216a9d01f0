"""The docs at /docs/guide/: open to all, under a policy that lets in no script but the pages' own."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import guide
from tests.api.serving import Server

SCRIPT = 'console.log("a page")'
PAGE = f'<html><script src="a.js"></script><script type="application/json">1</script><script>{SCRIPT}</script></html>'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "api").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "api" / "jobs.html").write_text(PAGE)
    (tmp_path / "a.js").write_text("1")
    monkeypatch.setattr(guide, "FOLDERS", (tmp_path / "none", tmp_path))
    guide._pages.cache_clear()
    yield tmp_path
    guide._pages.cache_clear()


@pytest.fixture
def reader(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, trust_env=False, timeout=30)


def test_pages_are_open_and_unchanged_is_304(reader: httpx.Client, folder: Path):
    answer = reader.get("/docs/guide", follow_redirects=True)
    assert (answer.status_code, answer.text, answer.url.path) == (200, PAGE, "/docs/guide/")
    assert reader.get("/docs/guide/", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert reader.get("/docs/guide/api/jobs.html").headers["Content-Type"] == "text/html; charset=utf-8"


def test_only_scripts_of_the_page_itself_may_run(reader: httpx.Client, folder: Path):
    policy = reader.get("/docs/guide/").headers["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert re.findall(r"script-src ([^;]*);", policy) == [f"'self' 'sha256-{digest}'"]
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("path", ["none.html", "../app.py", "%2e%2e/app.py", "/etc/passwd", "api/", "api/jobs"])
def test_no_other_file_is_served(reader: httpx.Client, folder: Path, path: str):
    assert reader.get(f"/docs/guide/{path}").status_code in (401, 404)


def test_a_service_without_the_docs_says_how_to_build_them(
    reader: httpx.Client, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(guide, "FOLDERS", (folder / "none",))
    guide._pages.cache_clear()
    answer = reader.get("/docs/guide/")
    assert (answer.status_code, "make docs" in answer.json()["detail"]) == (404, True)
