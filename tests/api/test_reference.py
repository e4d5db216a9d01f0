"""/openapi.json and /docs: for anybody, and nothing that a browser would fetch from elsewhere."""

from __future__ import annotations

import re

import httpx

from tests.api.serving import Caller, Server
from tests.api.test_openapi import document, operations


def test_document_and_reference_need_no_key(server: Server):
    for path, kind in (("/openapi.json", "application/json"), ("/docs", "text/html; charset=utf-8")):
        answer = httpx.get(server.url + path, trust_env=False, timeout=60)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        again = httpx.get(
            server.url + path, headers={"If-None-Match": answer.headers["ETag"]}, trust_env=False, timeout=60
        )
        assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(server.url + "/openapi.json", trust_env=False, timeout=60).json() == document()


def test_reference_shows_all_operations_and_schemas_and_its_links_lead_somewhere(ours: Caller):
    page = ours.get("/docs").text
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert {operation["operationId"] for _, _, operation in operations()} <= anchors
    assert {f"schema-{name}" for name in document()["components"]["schemas"]} <= anchors
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    assert "The highest of your own queued jobs starts first." in page


def test_reference_asks_no_other_host_for_anything(ours: Caller):
    answer = ours.get("/docs")
    assert "//" not in answer.text.replace("application//", "")
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", answer.text)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
