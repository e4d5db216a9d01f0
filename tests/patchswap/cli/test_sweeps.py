"""`patchswap sweep`: what is typed becomes a sweep, and it is followed to its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchswap.cli import spaces
from patchswap.client import Client
from patchswap.errors import BadInput
from tests.patchswap.calls.test_sweeps import end_all
from tests.patchswap.cli.conftest import Run, complaint, lines_of_json, one_json
from worker.sweeps import driving

SEARCH = ["--range", "optimizer.learning_rate=1e-3..0.5,log", "--trials", "2"]


def test_ranges_and_choices_are_read():
    assert spaces.ranges(["optimizer.learning_rate=1e-3..0.5,log", "a.b=8..64,step=8", "a.c=-1..2", "a.d=0..1.0"]) == {
        "optimizer.learning_rate": {"type": "float", "low": 0.001, "high": 0.5, "log": True},
        "a.b": {"type": "int", "low": 8, "high": 64, "step": 8},
        "a.c": {"type": "int", "low": -1, "high": 2},
        "a.d": {"type": "float", "low": 0.0, "high": 1.0},
    }
    assert spaces.choices(["method.name=cross_entropy, patch_swap", "a.b=0.1,1,true"]) == {
        "method.name": {"type": "categorical", "values": ["cross_entropy", "patch_swap"]},
        "a.b": {"type": "categorical", "values": [0.1, 1, True]},
    }


@pytest.mark.parametrize("text", ["a.b", "=1..2", "a.b=1", "a.b=1..2,linear", "a.b=x..y"])
def test_what_is_no_range_is_said_with_an_example(text: str):
    with pytest.raises(BadInput, match="Write it like --range"):
        spaces.ranges([text])


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([*SEARCH], 2, "No dataset is named"),
        (["--dataset", "pets", "--trials", "2"], 2, "Nothing is searched"),
        (["--dataset", "pets", *SEARCH[:2]], 2, "Give --trials"),
        (["--dataset", "pets", *SEARCH, "--set", "training.epochs=0"], 1, "/spec/training/epochs: "),
        (["--dataset", "pets", *SEARCH, "--choice", "optimizer.rate=1"], 1, "/space/optimizer.rate: "),
    ],
)
def test_wrong_input_is_one_line(patchswap: Run, dataset_id: str, arguments: list[str], status: int, message: str):
    done = patchswap("sweep", "create", *arguments)
    assert message in complaint(done)
    assert done.returncode == status


def test_options_go_over_a_file(patchswap: Run, dataset_id: str, tmp_path: Path):
    body = {"trials": 9, "spec": {"recipe": "resnet20_short"}, "space": {"a.b": {}}, "seed": 3}
    (tmp_path / "sweep.json").write_text(json.dumps(body | {"space": {}}))
    options = [
        "--file",
        "sweep.json",
        "--dataset",
        "pets",
        *SEARCH,
        "--set",
        "training.epochs=5",
        "--algorithm",
        "asha",
    ]
    sweep = one_json(patchswap("sweep", "create", *options, "--json"))
    spec = sweep["spec"]
    assert (spec["trials"], spec["seed"], spec["algorithm"]) == (2, 3, "asha")
    assert spec["spec"] == {"recipe": "resnet20_short", "training": {"epochs": 5}}
    listed = patchswap("sweep", "list").stdout.splitlines()
    assert listed[0].split() == ["ID", "NAME", "STATUS", "TRIALS", "BEST", "CREATED"]
    assert listed[1].split()[0] == sweep["id"]


def test_a_sweep_is_shown_followed_and_cancelled(patchswap: Run, client: Client, dataset_id: str):
    created = patchswap("sweep", "create", "--dataset", "pets", *SEARCH)
    sweep_id = created.stdout.strip()
    assert created.stderr.strip() == f"Follow it: patchswap sweep watch {sweep_id}"
    driving.tick()
    shown = patchswap("sweep", "show", sweep_id).stdout
    assert f"{sweep_id}: running" in shown
    assert "optimizer.learning_rate=" in shown
    assert len(one_json(patchswap("jobs", "list", "--sweep", sweep_id, "--json"))) == 2
    assert patchswap("sweep", "cancel", sweep_id).stdout == f"{sweep_id} cancelled\n"
    assert one_json(patchswap("sweep", "show", sweep_id, "--json"))["status"] == "cancelled"


def test_following_a_sweep_that_fails_ends_with_one(patchswap: Run, client: Client, dataset_id: str):
    sweep = client.sweeps.get(patchswap("sweep", "create", "--dataset", "pets", *SEARCH).stdout.strip())
    end_all(sweep)
    done = patchswap("sweep", "watch", sweep.id)
    assert done.returncode == 1
    assert f"{sweep.id}: failed" in done.stdout
    assert "Trial 0 failed: optimizer.learning_rate=" in done.stderr
    *trials, last = lines_of_json(patchswap("sweep", "watch", sweep.id, "--json"))
    assert [(t["type"], t["status"]) for t in trials] == [("trial", "failed")] * 2
    assert (last["type"], last["sweep"]["error"]["code"]) == ("end", "no_trial_complete")


def test_a_sweep_is_removed_and_its_jobs_stay(patchswap: Run, client: Client, dataset_id: str):
    created = one_json(patchswap("sweep", "create", "--dataset", dataset_id, *SEARCH, "--json"))
    assert "Cancel the sweep" in complaint(patchswap("sweep", "rm", created["id"]))
    end_all(client.sweeps.get(created["id"]))
    assert patchswap("sweep", "rm", created["id"]).stdout == f"deleted {created['id']}\n"
    assert len(list(client.jobs.list())) == 2
