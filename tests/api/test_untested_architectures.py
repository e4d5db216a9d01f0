"""Any classifier of timm can be named; whether it can be trained is tried before the job is queued."""

from __future__ import annotations

import pytest

from core.database import database
from core.jobs import trials
from core.tables import DatasetVersion
from tests.api.serving import Caller


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, fresh_engines: None, ours: Caller) -> None:
    """On a busy machine, importing torch alone takes longer than a client waits."""
    monkeypatch.setattr(trials, "WALL_SECONDS", 250.0)
    monkeypatch.setattr(database, "longest_seconds", lambda _kind: 280.0)
    ours.http.timeout = 280


def test_a_trial_ends_before_the_transaction_that_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    trials_of_a_comparison = 2 * (trials.TURN_SECONDS + trials.WALL_SECONDS)
    assert trials_of_a_comparison < database.longest_seconds("request")


def model(name: str, **more: str) -> dict[str, dict[str, str]]:
    return {"model": {"architecture": name} | more}


def test_one_that_can_be_trained_is_queued_with_a_warning(ours: Caller, version: DatasetVersion):
    answer = ours.post("/v1/jobs/validate", {"dataset": version.id} | model("timm:lcnet_035"))
    assert answer.status_code == 200, answer.text
    assert [each["code"] for each in answer.json()["warnings"]] == ["untested_architecture"]
    created = ours.post("/v1/jobs", {"dataset": version.id} | model("timm:lcnet_035"))
    assert created.status_code == 202, created.text


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        (model("timm:no_such_network"), "/model/architecture", "It cannot be built"),
        (model("timm:vit_tiny_patch16_224"), "/model/architecture", "no small stem"),
        (model("timm:"), "/model/architecture", "or timm:NAME"),
        (
            model("timm:lcnet_035") | {"compression": {"pruning": {"target_macs_share": 0.5}}},
            "/compression/pruning",
            "Pruning was not tried on timm:lcnet_035",
        ),
    ],
)
def test_one_that_cannot_is_422(ours: Caller, version: DatasetVersion, body: dict, pointer: str, said: str):
    answer = ours.post("/v1/jobs", {"dataset": version.id} | body)
    assert answer.status_code == 422, answer.text
    found = {each["pointer"]: each["message"] for each in answer.json()["errors"]}
    assert said in found[pointer]


def test_what_takes_too_long_is_left_to_the_worker(
    ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trials, "WALL_SECONDS", 0.01)
    answer = ours.post("/v1/jobs", {"dataset": version.id} | model("timm:no_such_network_2"))
    assert answer.status_code == 202, answer.text


def test_an_api_without_a_trainer_leaves_it_to_the_worker(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trials, "find_spec", lambda _name: None)
    monkeypatch.setattr(trials, "_unfit", lambda *_arguments, **_options: pytest.fail("it was tried"))
    trials.require(_resolved("timm:lcnet_035"), None)


def _resolved(name: str):
    class Model:
        architecture = name

    class Resolved:
        model = Model()

    return Resolved()
