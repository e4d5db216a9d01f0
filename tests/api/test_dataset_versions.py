"""Names and numbered versions of datasets, as a client sees them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core.database.database import transaction
from core.datasets import uploads
from core.store import storage
from core.tables import DatasetVersion, Upload
from tests.api import made
from tests.api.serving import Caller
from tests.data import packs
from tests.worker import seed, sweeping


def push(ours: Caller, content: bytes, name: str = "photos", **more) -> tuple[int, dict]:
    answer = ours.post("/v1/datasets", {"name": name, "upload_id": seed.upload(ours.tenant_id, content).id} | more)
    return answer.status_code, answer.json()


def is_gone(prefix: str) -> bool:
    """Within seconds: objects go after the answer was sent."""
    deadline = time.monotonic() + 5
    while storage.sizes(prefix) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not storage.sizes(prefix)


def named(ours: Caller, version: DatasetVersion, name: str = "photos") -> str:
    answer = ours.http.patch(f"/v1/datasets/{version.dataset_id}", json={"name": name})
    assert answer.status_code == 200, answer.text
    return name


def test_the_same_name_again_is_the_next_version(ours: Caller, theirs: Caller):
    status, first = push(ours, b"one")
    assert (status, first["newest_version"]["number"]) == (202, 1)
    status, second = push(ours, b"two")
    assert (status, second["id"], second["newest_version"]["number"]) == (202, first["id"], 2)
    assert push(theirs, b"two")[1]["newest_version"]["number"] == 1  # a name is a tenant's own
    assert [dataset["id"] for dataset in ours.get("/v1/datasets").json()["data"]] == [first["id"]]
    numbers = [version["number"] for version in ours.get("/v1/datasets/photos/versions").json()["data"]]
    assert numbers == [2, 1]


def test_unchanged_bytes_add_nothing_unless_they_are_read_another_way(ours: Caller):
    _, first = push(ours, b"one")
    status, again = push(ours, b"one")
    assert (status, again["newest_version"]) == (200, first["newest_version"])
    status, other = push(ours, b"one", reading={"map": {"kitten": "cat"}})
    assert (status, other["newest_version"]["number"]) == (202, 2)
    assert push(ours, b"one")[1]["newest_version"]["number"] == 3  # back to the first, on purpose


def test_version_by_its_route_is_numbered_by_the_same_rules(ours: Caller):
    push(ours, b"one")
    upload = seed.upload(ours.tenant_id, b"two")
    for status in (202, 200):
        answer = ours.post("/v1/datasets/photos/versions", {"upload_id": upload.id})
        assert (answer.status_code, answer.json()["number"]) == (status, 2)


def test_another_task_under_the_same_name_is_refused(ours: Caller):
    push(ours, b"one", task="detection")
    status, refused = push(ours, b"two", task="segmentation")
    assert (status, refused["errors"][0]["pointer"]) == (422, "/task")
    assert "is for detection" in refused["detail"]
    assert push(ours, b"two")[1]["task"] == "detection"


def test_a_dataset_whose_every_version_was_refused_takes_another_task(ours: Caller):
    _, first = push(ours, b"one", task="classification")
    with transaction() as session:
        session.get_one(DatasetVersion, first["newest_version"]["id"]).status = "failed"
    status, again = push(ours, b"one", task="detection")
    assert (status, again["task"], again["newest_version"]["number"]) == (202, "detection", 2)


@pytest.mark.parametrize("name", ["a/b", "a@2", "ds_x", "dsv_x", "..", "a\nb"])
def test_name_that_could_not_stand_in_a_path_is_refused(ours: Caller, name: str):
    status, refused = push(ours, b"one", name)
    assert (status, refused["errors"][0]["pointer"]) == (422, "/name")


def test_every_way_to_name_a_version_leads_to_it(ours: Caller, version: DatasetVersion):
    name = named(ours, version, "two words")
    second = seed.version(ours.tenant_id, after=version)
    ways = {name: second, f"{name}@1": version, f"{name}@2": second, version.id: version, version.dataset_id: second}
    for way, meant in ways.items():
        assert ours.get(f"/v1/datasets/{way}").json()["id"] == version.dataset_id
        assert ours.get(f"/v1/datasets/{way}/versions/latest").json()["id"] == meant.id, way
        assert ours.get(f"/v1/datasets/{way}/versions/1").json()["id"] == version.id
        job = ours.post("/v1/jobs", {"dataset": way}).json()
        assert job["dataset_version_id"] == meant.id, way
        sweep = sweeping.body(version) | {"dataset": way}
        assert ours.post("/v1/sweeps", sweep).json()["dataset_version_id"] == meant.id, way
        compared = ours.post("/v1/comparisons", {"dataset": way, "methods": ["patch_swap"], "seeds": 1})
        assert compared.json()["dataset_version_id"] == meant.id, way
        listed = {one["dataset_version_id"] for one in ours.get("/v1/jobs", params={"dataset": way}).json()["data"]}
        assert meant.id in listed
        if "@" in way or way.startswith("dsv_"):
            assert listed == {meant.id}, way


@pytest.mark.parametrize("way", ["nobody", "photos@9", "photos@x", "dsv_" + "0" * 32])
def test_what_does_not_exist_is_told_wherever_it_is_named(ours: Caller, version: DatasetVersion, way: str):
    named(ours, version)
    missing = ours.get(f"/v1/datasets/{way}")
    assert (missing.status_code, way in missing.json()["detail"]) == (404, True)
    job = ours.post("/v1/jobs", {"dataset": way})
    assert (job.status_code, job.json()["errors"][0]["pointer"]) == (422, "/dataset")
    listed = ours.get("/v1/jobs", params={"dataset": way})
    assert listed.json().get("data") == [] if way.startswith("dsv_") else listed.status_code == 422


def test_job_keeps_its_dataset_when_that_gets_another_name(ours: Caller, version: DatasetVersion):
    job = ours.post("/v1/jobs", {"dataset": named(ours, version)}).json()
    numbered = ours.post("/v1/jobs", {"dataset": "photos@1"}).json()
    named(ours, version, "pictures")
    clones = [ours.post(f"/v1/jobs/{one['id']}/clone").json() for one in (job, numbered)]
    assert [one["dataset_version_id"] for one in clones] == [version.id, version.id]
    assert [one["spec"]["dataset"] for one in clones] == [version.dataset_id, version.id]


def test_name_is_given_to_one_dataset_at_a_time(ours: Caller, theirs: Caller, version: DatasetVersion):
    named(ours, version)
    other = seed.version(ours.tenant_id)
    path = f"/v1/datasets/{other.dataset_id}"
    taken = ours.http.patch(path, json={"name": "photos"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert theirs.http.patch(path, json={"name": "mine"}).status_code == 404
    stale = ours.http.patch(path, json={"name": "b"}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    ours.delete("/v1/datasets/photos")
    assert ours.http.patch(path, json={"name": "photos"}).json()["name"] == "photos"


def test_version_in_use_is_kept_and_who_needs_it_is_listed(ours: Caller, version: DatasetVersion):
    second = seed.version(ours.tenant_id, after=version)
    job, model, _ = made.published_job(version)
    live = seed.job(version)
    refused = ours.delete(f"/v1/datasets/{version.dataset_id}/versions/1")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert {(one["kind"], one["id"]) for one in refused.json()["used_by"]} == {("job", live.id), ("model", model.id)}
    assert ours.get(f"/v1/datasets/{version.id}/versions/latest").status_code == 200
    assert ours.delete(f"/v1/datasets/{second.id}/versions/latest").status_code == 204  # nobody needs that one
    only = ours.delete(f"/v1/datasets/{version.id}/versions/latest", params={"force": True})
    assert (only.status_code, only.json()["code"]) == (409, "only_version")
    assert ours.get(f"/v1/jobs/{live.id}").json()["status"] == "queued"  # nothing half done
    assert job.status == "succeeded"


def test_force_ends_the_work_and_leaves_the_models(ours: Caller, version: DatasetVersion):
    _, model, export = made.published_job(version)
    failed, live, waiting = made.ended_job(version), seed.job(version), made.export(model, "queued")
    sweep = ours.post("/v1/sweeps", sweeping.body(version)).json()
    assert ours.delete(f"/v1/datasets/{version.dataset_id}", params={"force": True}).status_code == 204
    assert ours.get(f"/v1/jobs/{live.id}").json()["status"] == "cancelled"
    assert ours.get(f"/v1/sweeps/{sweep['id']}").json()["status"] == "cancelled"
    assert ours.get(f"/v1/exports/{waiting.id}").json()["error"]["code"] == "dataset_deleted"
    assert ours.get(f"/v1/exports/{export.id}/download").status_code == 200
    refusals = [
        ours.post(f"/v1/models/{model.id}/exports", {"format": "onnx"}),
        ours.post(f"/v1/models/{model.id}/profile", {"export_id": export.id}),
        ours.post(f"/v1/jobs/{failed.id}/resume"),
        ours.post(f"/v1/jobs/{failed.id}/retry"),
    ]
    assert [one.json()["code"] for one in refusals] == ["dataset_deleted"] * 4


def test_objects_go_with_their_dataset_but_for_those_another_needs(ours: Caller, version: DatasetVersion):
    upload = seed.upload(ours.tenant_id, b"shared")
    with transaction() as session:  # the same bytes, uploaded again
        again = uploads.create(session, ours.tenant_id, size=6, sha256=upload.sha256, media_type="application/zip")
    ids = []
    for name, source in (("first", upload.id), ("second", again.id), ("third", again.id)):
        ids.append(ours.post("/v1/datasets", {"name": name, "upload_id": source}).json()["id"])
    own = version.upload_id
    assert ours.delete(f"/v1/datasets/{version.dataset_id}").status_code == 204
    assert is_gone(f"datasets/{version.id}/")
    assert is_gone(f"uploads/{own}/")
    for dataset_id in ids[:2]:
        assert ours.delete(f"/v1/datasets/{dataset_id}").status_code == 204
        assert len(storage.sizes(f"uploads/{upload.id}/")) == 1
    assert ours.delete(f"/v1/datasets/{ids[2]}").status_code == 204
    assert is_gone("uploads/")
    with transaction() as session:
        assert {one.status for one in session.query(Upload)} == {"aborted"}


def test_archive_is_downloaded_as_it_was_pushed(ours: Caller, theirs: Caller):
    content = bytes(range(256)) * 3
    push(ours, content)
    with transaction() as session:  # as if it had been uploaded in parts
        upload = session.query(Upload).one()
        upload.part_size = 300
        for number in uploads.part_numbers(upload):
            storage.put_bytes(uploads.part_key(upload, number), content[(number - 1) * 300 : number * 300])
    about = ours.get("/v1/datasets/photos/versions/1").json()["archive"]
    assert (about["bytes"], about["file_name"]) == (768, "photos-1.zip")
    whole = ours.get(about["url"])
    assert (whole.content, whole.headers["ETag"]) == (content, f'"{about["sha256"]}"')
    middle = ours.get(about["url"], headers={"Range": "bytes=290-610"})
    assert (middle.status_code, middle.content) == (206, content[290:611])
    assert theirs.get(about["url"]).status_code == 404


def test_changes_name_the_images(ours: Caller, tmp_path):
    images = [np.full((8, 8, 3), value, np.uint8) for value in range(12)]
    labels, splits = np.array([0, 1] * 6), np.array([0] * 8 + [1, 1, 2, 2])

    def stored(name: str, chosen: list[int], labels, after=None) -> DatasetVersion:
        manifest = packs.write(
            tmp_path / name, [images[i] for i in chosen], labels=labels[chosen], splits=splits[chosen]
        )
        return seed.version(ours.tenant_id, manifest, (tmp_path / name / "samples.arrow").read_bytes(), after=after)

    first = stored("one", list(range(11)), labels)
    relabelled = labels.copy()
    relabelled[3] = 0
    second = stored("two", list(range(1, 12)), relabelled, after=first)
    found = ours.get(f"/v1/datasets/{second.id}/versions/latest/changes").json()
    counts = {name: found[name] for name in ("since", "version", "added", "removed", "relabelled", "unchanged")}
    assert counts == {"since": 1, "version": 2, "added": 1, "removed": 1, "relabelled": 1, "unchanged": 9}
    assert [one["change"] for one in found["images"]] == ["removed", "added", "relabelled"]
    assert (found["images"][2]["before"]["class_name"], found["images"][2]["after"]["class_name"]) == ("1", "0")
    back = ours.get(f"/v1/datasets/{first.id}/versions/1/changes", params={"since": 2, "limit": 0}).json()
    assert (back["added"], back["removed"], back["images"]) == (1, 1, [])
    assert ours.get(f"/v1/datasets/{first.id}/versions/1/changes").status_code == 404  # nothing is before it
