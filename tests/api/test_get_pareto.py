"""GET /v1/models/{model_id}/pareto."""

from __future__ import annotations

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller


def test_files_are_compared_as_they_stand(ours: Caller, version: DatasetVersion):
    _, model, export = made.published_job(version)
    queued = ours.post(f"/v1/models/{model.id}/exports", {"precision": "int8"}).json()["id"]
    answer = ours.get(f"/v1/models/{model.id}/pareto")
    points = {point["export_id"]: point for point in answer.json()["points"]}
    assert (answer.status_code, answer.json()["trained_accuracy"]) == (200, 0.75)
    assert points[export.id]["accuracy"]["basis"] == "measured"
    assert points[queued]["accuracy"]["basis"] == "estimated"
    assert (
        ours.get(f"/v1/models/{model.id}/pareto", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    )
    assert ours.get(f"/v1/models/{model.id}").json()["links"]["pareto"] == f"/v1/models/{model.id}/pareto"


def test_picture_is_asked_for_by_query_or_by_accept(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    path = f"/v1/models/{model.id}/pareto"
    asked = [
        ours.get(path, params={"format": "png"}),
        ours.get(path, headers={"Accept": "image/png, */*;q=0.5"}),
    ]
    for answer in asked:
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.content.startswith(b"\x89PNG")
        kept = ours.get(path, params={"format": "png"}, headers={"If-None-Match": answer.headers["ETag"]})
        assert kept.status_code == 304
    assert asked[0].headers["ETag"] != ours.get(path).headers["ETag"]
    both = ours.get(path, params={"format": "json"}, headers={"Accept": "image/png"})
    assert both.headers["Content-Type"] == "application/json"
    assert ours.get(path, params={"format": "gif"}).status_code == 422
