"""`patchswap weights fetch`: timm's own download code against a hub on loopback, a real api, and the real reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch

from core.store import storage
from core.tables import Weights
from patchswap.client import Client
from patchswap.weights import vision
from tests.conftest import forget_settings
from tests.patchswap.weights.hub import Hub, serving
from tests.worker.test_whole_job import read
from worker.liveness import shutdown
from worker.tasks.turn import run_next

NAME = "mobilenetv3_small_100.lamb_in1k"


@pytest.fixture(scope="module")
def published() -> bytes:
    """The file as timm keeps it on its hub; its numbers are random."""
    timm = vision.load("timm", command="the test")
    return safetensors.torch.save(timm.create_model("mobilenetv3_small_100", pretrained=False).state_dict())


def fetch(client: Client, api_key: str, hub_url: str, cache: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PATCHSWAP_"))}
    environment |= {"PATCHSWAP_URL": client.url, "PATCHSWAP_API_KEY": api_key}
    environment |= {"HF_ENDPOINT": hub_url, "HF_HOME": str(cache), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "patchswap", "weights", "fetch", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
def test_weights_of_timm_are_downloaded_pushed_and_read(
    client: Client, api_key: str, tmp_path: Path, published: bytes, monkeypatch: pytest.MonkeyPatch
):
    with serving(Hub(f"timm/{NAME}", "model.safetensors", published)) as hub:
        done = fetch(client, api_key, hub.url, tmp_path, "mobilenet_v3_small", "--no-wait", "--json")
    assert done.returncode == 0, done.stderr
    assert f"GET /timm/{NAME}/resolve/" in " ".join(hub.asked)
    row = json.loads(done.stdout)
    assert (row["architecture"], row["licence"], row["name"]) == ("mobilenet_v3_small", "apache-2.0", NAME)
    assert f"timm/{NAME}/model.safetensors, sha256 {hub.announced}" in row["source"]
    assert (row["input"]["interpolation"], row["input"]["crop"]) == ("bicubic", 0.875)
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "300")
    forget_settings()
    shutdown.forget()
    run_next("weights", row["id"])
    found = client.weights.wait(row["id"])
    assert (found.num_classes, found.channels, found.report.missing, found.report.unexpected) == (1000, 3, (), ())
    theirs = safetensors.torch.load(published)
    ours = safetensors.torch.load(storage.get_bytes(read(Weights, row["id"]).object_key))
    assert ours["features.0.0.weight"].equal(theirs["conv_stem.weight"])  # by torchvision's names, as the network has
    assert ours["classifier.0.weight"].equal(theirs["conv_head.weight"][:, :, 0, 0])


def test_bytes_that_the_hub_did_not_announce_are_not_pushed(
    client: Client, api_key: str, tmp_path: Path, published: bytes
):
    with serving(Hub(f"timm/{NAME}", "model.safetensors", published, announced="0" * 64)) as hub:
        done = fetch(client, api_key, hub.url, tmp_path, NAME, "--json")
    assert done.returncode == 1
    assert "the hub announced 0000" in done.stderr
    assert [each for each in client.weights.list() if not each.built_in] == []


def test_a_hub_that_has_nothing_is_named_with_what_to_check(client: Client, api_key: str, tmp_path: Path):
    with serving(Hub("timm/other", "model.safetensors", b"")) as hub:
        done = fetch(client, api_key, hub.url, tmp_path, NAME)
    assert done.returncode == 1
    assert "could not be downloaded" in done.stderr
    assert "HF_ENDPOINT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet1000", "There is no network 'resnet1000' in timm"),
        ("torchvision:vgg11", "Take one of torchvision's"),
        ("torchvision:resnet18.V9", "There are no weights V9 of resnet18 in torchvision"),
    ],
)
def test_names_that_nobody_has_are_refused_before_any_download(client: Client, name: str, said: str):
    with pytest.raises(ValueError, match=said):
        client.weights.fetch(name)
