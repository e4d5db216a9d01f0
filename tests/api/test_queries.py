"""Query parameters that a path does not know are refused, on every path."""

from __future__ import annotations

import re

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.api.test_openapi import operations


def test_unknown_query_parameter_is_422_with_its_name_on_every_path(ours: Caller):
    for path, method, _ in operations():
        url = re.sub(r"\{[^}]+\}", "1", path)
        answer = ours.http.request(method, url, params={"odd": "1"})
        assert answer.status_code == 422, (method, path, answer.text)
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#query/odd", "unknown_parameter"), (method, path)


def test_misspelt_filter_is_told_the_right_name(ours: Caller, version: DatasetVersion):
    answer = ours.get("/v1/jobs", params={"stauts": "running"})
    assert answer.json()["errors"][0]["message"] == "This path has no such query parameter. Did you mean `status`?"
    answer = ours.get("/v1/jobs", params={"status": "running", "label": "a:b", "limit": 3, "order": "asc"})
    assert answer.status_code == 200
