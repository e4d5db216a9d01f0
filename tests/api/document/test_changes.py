"""A change of the document that breaks clients of the last release is noticed, and must be in the changelog."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from api import openapi
from api.document import changes
from api.document.changes import Break

DOCUMENT = json.loads(openapi.PATH.read_bytes())
Change = Callable[[dict[str, Any]], object]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document["components"]["schemas"][name]


def broken_by(change: Change) -> list[Break]:
    new = copy.deepcopy(DOCUMENT)
    change(new)
    return changes.breaks(DOCUMENT, new)


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (lambda new: new["paths"].pop("/v1/jobs/validate"), "validate_job", "is gone"),
        (lambda new: new["paths"]["/v1/jobs"]["get"]["parameters"].clear(), "list_jobs", "parameter status is gone"),
        (lambda new: new["paths"]["/v1/jobs"]["post"].update(operationId="submit_job"), "create_job", "submit_job now"),
        (lambda new: schema(new, "Job")["properties"].pop("usage"), "Job.usage", "gone from the answer"),
        (lambda new: schema(new, "Job")["required"].remove("usage"), "Job.usage", "not in every answer"),
        (lambda new: schema(new, "Job")["properties"]["id"].update(type="integer"), "Job.id", "its type is integer"),
        (lambda new: schema(new, "JobSpec")["properties"].pop("control"), "JobSpec.control", "gone from the request"),
        (lambda new: schema(new, "JobSpec")["required"].append("seed"), "JobSpec.seed", "required now"),
        (lambda new: schema(new, "JobSpec")["properties"]["seed"].update(maximum=9), "JobSpec.seed", "maximum is 9"),
        (
            lambda new: schema(new, "ExportSpec")["properties"]["format"]["enum"].remove("litert"),
            "ExportSpec.format",
            "no longer taken: litert",
        ),
    ],
)
def test_what_breaks_a_client_is_noticed_by_its_name(change: Change, name: str, words: str):
    found = broken_by(change)
    assert any(each.name == name and words in each.what for each in found), found


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda new: new["paths"].update({"/v1/new": copy.deepcopy(new["paths"]["/v1/jobs"])}),
        lambda new: schema(new, "Job")["properties"].update(more={"type": "string"}),
        lambda new: schema(new, "JobSpec")["properties"].update(more={"type": "string"}),
        lambda new: schema(new, "JobSpec")["properties"]["seed"].update(maximum=2**40, description="Another text."),
        lambda new: schema(new, "ExportSpec")["properties"]["format"]["enum"].append("tensorrt"),
    ],
)
def test_what_adds_or_loosens_breaks_nobody(change: Change):
    assert broken_by(change) == []


def test_only_the_unreleased_section_announces_a_break():
    found = [Break("list_jobs", "it is gone")]
    assert changes.unannounced(found, "## [Unreleased]\n\n- `list_jobs` is gone: use X.\n\n## [0.1.0]\n") == []
    assert changes.unannounced(found, "## [Unreleased]\n\n- list_jobs\n\n## [0.1.0]\n\n- `list_jobs`\n") == found


def test_every_break_since_the_last_release_is_in_the_changelog():
    released = json.loads(openapi.released().read_bytes())
    broken = changes.breaks(released, DOCUMENT)
    assert changes.unannounced(broken, openapi.CHANGELOG.read_text()) == []


def test_check_fails_where_a_break_is_not_announced():
    new = copy.deepcopy(DOCUMENT)
    new["paths"].pop("/v1/jobs/validate")
    faults = openapi._faults(json.dumps(new).encode())
    assert any("name `validate_job` under" in fault for fault in faults)
