"""The console's files: open to all, changed by nobody, and under a policy that keeps foreign code out."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest

from api import console
from tests.api.serving import Server


@pytest.fixture
def page(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, trust_env=False, timeout=30)


def test_the_page_is_open_and_its_policy_lets_in_nothing_foreign(page: httpx.Client):
    answer = page.get("/", follow_redirects=True)
    assert (answer.status_code, answer.url.path, answer.headers["Content-Type"]) == (
        200,
        "/ui/",
        "text/html; charset=utf-8",
    )
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", answer.text)
    assert re.findall(r"<script(?![^>]* src=)[^>]*>", answer.text) == []


def test_everything_the_page_names_is_there_and_cached_for_good(page: httpx.Client):
    named = re.findall(r'(?:src|href)="(/ui/assets/[^"]+)"', page.get("/ui/").text)
    assert {name.rpartition(".")[2] for name in named} == {"js", "css"}
    for name in named:
        answer = page.get(name)
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
        assert "immutable" in answer.headers["Cache-Control"]


def test_the_page_itself_is_asked_for_each_time_and_unchanged_is_304(page: httpx.Client):
    answer = page.get("/ui/")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert page.get("/ui/", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/ui/none.js", "/ui/../app.py", "/ui/%2e%2e/app.py", "/ui/assets/", "/ui//etc/passwd"]
)
def test_no_other_file_is_served(page: httpx.Client, path: str):
    assert page.get(path).status_code in (401, 404)


def test_the_first_load_is_small():
    """Scripts and styles that the page names; the goal is 60 kB."""
    named = re.findall(rb'"/ui/(assets/[^"]+)"', console.FILES[console.INDEX].content)
    first = [console.FILES[name.decode()] for name in named] + [console.FILES[console.INDEX]]
    assert sum(len(gzip.compress(file.content)) for file in first) <= 60_000
