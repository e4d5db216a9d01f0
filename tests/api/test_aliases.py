"""`/v1/aliases`: names that point at a file, changed by compare-and-set, polled by devices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.database.database import transaction
from core.tables import DatasetVersion, WebhookDelivery
from tests.api import made
from tests.api.serving import Caller

URL = "/v1/aliases/line-3"


@pytest.fixture
def two(version: DatasetVersion) -> tuple[str, str]:
    """Files of two models."""
    return made.published_job(version)[2].id, made.published_job(version, seed=2)[2].id


def put(ours: Caller, export_id: str, url: str = URL, **headers: str):
    return ours.put(
        url, json={"export_id": export_id}, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_alias_points_at_a_file_and_its_model(ours: Caller, two: tuple[str, str]) -> None:
    answer = put(ours, two[0])
    found = answer.json()
    assert (answer.status_code, answer.headers["Location"], found["revision"]) == (201, URL, 1)
    assert found["model_id"] == ours.get(f"/v1/exports/{two[0]}").json()["model_id"]
    assert found["file"]["bytes"] == len(made.BUNDLE)
    read = ours.get(URL)
    assert (read.json(), read.headers["ETag"]) == (found, answer.headers["ETag"])
    assert ours.get(URL, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    assert ours.get("/v1/aliases").json()["data"] == [found]


def test_change_is_compare_and_set(ours: Caller, two: tuple[str, str]) -> None:
    first = put(ours, two[0], If_None_Match="*")
    assert first.status_code == 201
    assert put(ours, two[1], If_None_Match="*").status_code == 412
    changed = put(ours, two[1], If_Match=first.headers["ETag"])
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    stale = put(ours, two[0], If_Match=first.headers["ETag"])
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert ours.get(URL).json()["export_id"] == two[1]
    assert put(ours, two[0], "/v1/aliases/other", If_Match=first.headers["ETag"]).status_code == 412


def test_of_those_who_change_it_at_once_by_one_etag_one_does(ours: Caller, two: tuple[str, str]) -> None:
    tag = put(ours, two[0]).headers["ETag"]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: put(ours, two[1], If_Match=tag).status_code, range(8)))
        new = list(pool.map(lambda _: put(ours, two[1], "/v1/aliases/new", If_None_Match="*").status_code, range(8)))
    assert sorted(statuses) == [200, *[412] * 7]
    assert sorted(new) == [201, *[412] * 7]
    assert [one["revision"] for one in ours.get(f"{URL}/history").json()["data"]] == [2, 1]


def test_same_target_again_changes_nothing(ours: Caller, two: tuple[str, str]) -> None:
    first, again = put(ours, two[0]), put(ours, two[0])
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(ours.get(f"{URL}/history").json()["data"]) == 1


def test_history_outlives_the_alias_and_goes_on(ours: Caller, two: tuple[str, str]) -> None:
    put(ours, two[0])
    assert ours.delete(URL, headers={"If-Match": '"stale"'}).status_code == 412
    assert ours.delete(URL).status_code == 204
    assert ours.get(URL).status_code == 404
    assert put(ours, two[1]).json()["revision"] == 3
    told = ours.get(f"{URL}/history").json()["data"]
    assert [(one["revision"], one["export_id"]) for one in told] == [(3, two[1]), (2, None), (1, two[0])]
    assert all(one["key_id"].startswith("key_") for one in told)
    assert ours.get("/v1/aliases/never/history").status_code == 404


def test_device_polls_one_url_and_gets_the_file_when_it_changes(
    ours: Caller, version: DatasetVersion, two: tuple[str, str]
) -> None:
    put(ours, two[0])
    key = ours.post("/v1/api_keys", {"name": "press", "scopes": ["device"]}).json()["api_key"]
    device = {"Authorization": f"Bearer {key}"}
    answer = ours.http.get(f"{URL}/download", headers=device)
    assert (answer.status_code, answer.content) == (200, made.BUNDLE)
    assert answer.headers["Content-Location"] == f"/v1/exports/{two[0]}/download"
    tag = answer.headers["ETag"]
    unchanged = ours.http.get(f"{URL}/download", headers=device | {"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", tag)
    part = ours.http.get(f"{URL}/download", headers=device | {"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, made.BUNDLE[:10])
    assert ours.http.get(URL, headers=device).status_code == 403, "the download alone"
    assert ours.http.get("/v1/models", headers=device).status_code == 403


def test_model_that_an_alias_points_at_is_not_deleted(ours: Caller, version: DatasetVersion) -> None:
    job, model, export = made.published_job(version)
    put(ours, export.id)
    answer = ours.delete(f"/v1/jobs/{job.id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert answer.json()["used_by"] == [{"kind": "alias", "id": "line-3", "model_id": model.id}]
    ours.delete(URL)
    assert ours.delete(f"/v1/jobs/{job.id}").status_code == 204
    assert len(ours.get(f"{URL}/history").json()["data"]) == 2


def test_only_a_good_file_of_ours_can_be_named(ours: Caller, theirs: Caller, version: DatasetVersion) -> None:
    _, model, export = made.published_job(version)
    failed = made.export(model, "gate_failed")
    assert put(ours, failed.id).json()["code"] == "export_unfit"
    foreign = put(theirs, export.id)
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/export_id")
    put(ours, export.id)
    assert theirs.get(URL).status_code == theirs.get(f"{URL}/download").status_code == 404
    assert put(ours, export.id, "/v1/aliases/a%20b").status_code == 404


def test_webhooks_are_told(ours: Caller, two: tuple[str, str]) -> None:
    ours.post("/v1/webhooks", {"url": "https://example.com/hook", "events": ["alias.set", "alias.deleted"]})
    put(ours, two[0])
    put(ours, two[0])
    ours.delete(URL)
    with transaction() as session:
        told = [(row.type, row.data) for row in session.query(WebhookDelivery).order_by(WebhookDelivery.id)]
    assert [type_ for type_, _ in told] == ["alias.set", "alias.deleted"]
    assert (told[0][1]["name"], told[0][1]["export_id"], told[1][1]["export_id"]) == ("line-3", two[0], None)


def test_trained_weights_are_a_download(ours: Caller, version: DatasetVersion) -> None:
    _, model, _ = made.published_job(version)
    page = ours.get(f"/v1/models/{model.id}").json()
    answer = ours.get(page["links"]["weights"])
    assert (answer.status_code, answer.content) == (200, b"weights")
    assert answer.headers["ETag"] == f'"{page["weights"]["sha256"]}"'
    assert f"{model.id}.safetensors" in answer.headers["Content-Disposition"]
