"""Measuring on devices, by the client and the command line; the worker's part is done by the ledger."""

from __future__ import annotations

import json

import pytest

from contract.child.messages import JobError
from contract.results.exported import ProfileResult
from core import workers
from core.database.database import transaction
from core.exports import devices, profiles
from patchswap.cli import main
from patchswap.client import Client
from patchswap.errors import ApiError, ProfileUnsuccessful
from patchswap.resources import Export
from tests.patchswap.calls.test_exports import content, export, job, model  # noqa: F401 - fixtures

PI = "raspberry-pi-5"
BROKEN = JobError(code="export_failed", category="platform", retryable=False, message="No runtime.", remediation="-")


@pytest.fixture
def pi(api_key: str) -> None:
    with transaction() as session:
        devices.beat(session, PI, "pi.local")


def test_measurement_is_asked_for_and_waited_for(client: Client, export: Export, pi: None):  # noqa: F811
    asked = client.profiles.create(export.id, device=PI)
    assert (asked.status, client.profiles.create(export.id, device=PI).id) == ("queued", asked.id)
    with transaction() as session:
        claimed = profiles.claim(session, asked.id, "w", device=PI)
        profiles.publish(session, asked.id, claimed.fence, ProfileResult(measured={"latency_ms_p50": 30.0}))
    assert asked.wait(timeout_seconds=10).measured == {"latency_ms_p50": 30.0}
    assert [one.id for one in client.profiles.list(export.model_id)] == [asked.id]
    assert client.models.pareto(export.model_id, device=PI).fastest().latency_ms.value == 30.0
    again = client.profiles.create(export.id, device=PI)
    with transaction() as session:
        claimed = profiles.claim(session, again.id, "w", device=PI)
        profiles.fail(session, again.id, claimed.fence, BROKEN)
    with pytest.raises(ProfileUnsuccessful, match="No runtime"):
        again.wait(timeout_seconds=10)


def test_commands_show_devices_and_ask_for_one(
    proxy,
    api_key: str,
    export: Export,  # noqa: F811
    pi: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
):
    monkeypatch.setenv("PATCHSWAP_URL", proxy.url)
    monkeypatch.setenv("PATCHSWAP_API_KEY", api_key)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        return int(ended.value.code or 0)

    assert run("devices") == 0
    assert "raspberry-pi-5  online  service" in capsys.readouterr().out
    with transaction() as session:
        workers.beat(session, "train-7@host-a", queue="train", device="2 x NVIDIA H200", release="0.2.0")
    assert run("workers") == 0
    assert "train  online  2 x NVIDIA H200  0.2.0" in capsys.readouterr().out
    assert run("profile", export.id, "--device", PI, "--no-wait", "--json") == 0
    assert json.loads(capsys.readouterr().out)["device"] == PI
    assert run("profile", export.id, "--device", "toaster") == 1
    assert "patchswap worker --device toaster" in capsys.readouterr().err


def test_unknown_device_is_told(client: Client, export: Export):  # noqa: F811
    with pytest.raises(ApiError, match=r"No worker of the device 'toaster' was seen in 7 days\. Seen: none"):
        client.profiles.create(export.id, device="toaster")
