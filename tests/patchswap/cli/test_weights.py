"""`patchswap weights`: push, list, show and rm as a shell runs them."""

from __future__ import annotations

from pathlib import Path

import torch

from patchswap.client import Client
from tests.patchswap.cli.conftest import Run, one_json
from tests.patchswap.weights.test_push import network, reader  # noqa: F401 - a fixture
from worker.tasks.turn import run_next

TOLD = ("--architecture", "resnet20", "--licence", "CC0-1.0", "--source", "a colleague")


def test_weights_are_pushed_listed_shown_and_deleted(client: Client, patchswap: Run, reader: None, tmp_path: Path):  # noqa: F811
    torch.save(network(), tmp_path / "net.pth")
    (tmp_path / "classes.txt").write_text("cat\ndog\n\nowl\n")
    rule = ("--size", "32", "--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.2")
    pushed = one_json(
        patchswap("weights", "push", "net.pth", *TOLD, *rule, "--classes", "classes.txt", "--no-wait", "--json")
    )
    assert (pushed["classes"], pushed["input"]["mean"]) == (["cat", "dog", "owl"], [0.5, 0.4, 0.3])
    run_next("weights", pushed["id"])
    listed = patchswap("weights", "list").stdout
    assert "wts_efficientnet_lite0_in1k" in listed
    assert pushed["id"] in listed
    shown = patchswap("weights", "show", "net").stdout
    assert "net: ready" in shown
    assert "of the network, without its head" in shown
    assert "CC0-1.0" in shown
    assert one_json(patchswap("weights", "rm", "net", "--json"))["id"] == pushed["id"]
    refused = patchswap("weights", "rm", "wts_mobilenet_v2_in1k")
    assert (refused.returncode, "built in" in refused.stderr) == (1, True)


def test_options_that_cannot_be_meant_are_refused_before_anything_is_sent(patchswap: Run, tmp_path: Path):
    (tmp_path / "net.safetensors").write_bytes(b"x")
    for more, said in [
        (("--mean", "0.5"), "Give --mean and --std together"),
        (("--mean", "a,b", "--std", "1,1"), "--mean takes numbers"),
        (("--classes", "absent.txt"), "Cannot read absent.txt"),
    ]:
        done = patchswap("weights", "push", "net.safetensors", *TOLD, *more)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
