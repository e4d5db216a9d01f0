"""`patchswap compare`: create and watch, show, cancel; what it prints, saves, and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from patchswap.calls.comparisons import Comparison
from patchswap.client import Client
from tests.api import made
from tests.patchswap.cli.conftest import ROOT, Run, complaint, one_json
from tests.patchswap.cli.test_terminal import on_a_terminal
from tests.patchswap.conftest import Worker
from tests.servers.processes import spare_port
from tests.servers.proxy import BreakingProxy

ASKED = ["compare", "--dataset", "pets", "--method", "patch_swap", "--seeds", "2", "--set", "training.epochs=2"]


@pytest.fixture
def comparison(client: Client, dataset_id: str) -> Comparison:
    return client.comparisons.create(dataset=dataset_id, methods=["patch_swap"], seeds=2)


def play(client: Client, accuracies: Sequence[float | None]) -> None:
    """Ends the jobs of the next comparison in their order; None fails."""

    def work() -> None:
        while not (found := list(client.comparisons.list())):
            time.sleep(0.05)
        for job, accuracy in zip(client.comparisons.get(found[0].id).jobs, accuracies, strict=True):
            if accuracy is not None:
                made.succeed(job.id, accuracy)
                continue
            worker = Worker(job.id)
            worker.claim()
            worker.end("failed")

    threading.Thread(target=work).start()


def test_it_trains_follows_and_prints_the_table(patchswap: Run, client: Client, dataset_id: str, tmp_path: Path):
    play(client, [0.5, 0.75, 0.625, 0.75])
    files = ["--csv", "t.csv", "--png", "t.png", "--markdown", "t.md"]
    done = patchswap(*ASKED, "--name", "a \x1b[31mname", *files)
    assert done.returncode == 0, done.stderr
    head, *_ = done.stdout.splitlines()
    assert head.endswith("a ?[31mname: succeeded")
    assert "\x1b" not in done.stdout + done.stderr
    lines = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()}
    assert lines["cross_entropy (control)"][2:4] == ["2/2", "56.25"]
    assert lines["patch_swap"][0] == "patch_swap"
    assert "+18.75" in done.stdout
    assert "Intervals are over seeds" in done.stdout
    for expected in ("4 jobs", "patch_swap seed 1: succeeded", "saved t.png"):
        assert expected in done.stderr
    assert (tmp_path / "t.csv").read_text().startswith("method,")
    assert (tmp_path / "t.md").read_text().startswith("| method |")
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


def test_it_exits_with_one_where_a_job_failed_and_prints_what_there_is(patchswap: Run, client: Client, dataset_id: str):
    play(client, [0.5, None, 0.625, 0.75])
    done = patchswap(*ASKED, "--json")
    assert done.returncode == 1
    (found,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (found["status"], found["counts"]) == ("failed", {"failed": 1, "succeeded": 3})
    assert [row["finished"] for row in found["table"]["rows"]] == [2, 1]
    assert "patch_swap seed 0: failed" in done.stderr


def test_options_reach_the_service(patchswap: Run, client: Client, dataset_id: str, tmp_path: Path):
    (tmp_path / "base.json").write_text(json.dumps({"training": {"epochs": 9, "pairs_per_batch": 8}}))
    methods = ["--method", "patch_swap:kd_weight=0.25,kd_direction=one_way", "--method", "patch_swap"]
    options = ["--seeds", "7,3", "--budget", "epochs", "--recipe", "resnet20_short", "--spec", "base.json"]
    told = ["compare", "--dataset", dataset_id, *methods, *options, "--set", "training.epochs=4", "--no-watch"]
    found = one_json(patchswap(*told, "--json"))
    assert (found["seeds"], found["budget"]) == ([7, 3], "epochs")
    assert [one["label"] for one in found["methods"]] == [
        "cross_entropy",
        'patch_swap kd_weight=0.25 kd_direction="one_way"',
        "patch_swap",
    ]
    assert [one["epochs"] for one in found["methods"]] == [2, 4, 4]
    spec = client.jobs.get(found["jobs"][1]["id"]).spec
    assert (spec["recipe"], spec["training"]["pairs_per_batch"]) == ("resnet20_short", 8)


def test_it_is_shown_listed_cancelled_and_removed(patchswap: Run, comparison: Comparison):
    assert patchswap("compare", "show", comparison.id).stdout == f"{comparison.id}: queued; no job has finished yet\n"
    made.succeed(comparison.jobs[0].id, 0.5)
    shown = patchswap("compare", "show", comparison.id, "--csv", "t.csv")
    assert "cross_entropy: 1 of 2 jobs finished. An interval and a p-value need two." in shown.stdout
    assert one_json(patchswap("compare", "show", comparison.id, "--json"))["table"]["samples"] == 10
    assert comparison.id in patchswap("compare", "list").stdout
    assert "a trial of comparison" in patchswap("jobs", "show", comparison.jobs[0].id).stdout
    assert len(one_json(patchswap("jobs", "list", "--comparison", comparison.id, "--json"))) == 4
    cancelled = patchswap("compare", "cancel", comparison.id)
    assert (cancelled.returncode, "3 cancelled" in cancelled.stdout) == (0, True)
    assert patchswap("compare", "watch", comparison.id).returncode == 1
    removed = one_json(patchswap("compare", "rm", comparison.id, "--with-jobs", "--json"))
    assert removed == {"id": comparison.id, "deleted": True}
    assert "Check the id" in complaint(patchswap("compare", "show", comparison.id))


def test_what_the_service_refuses_is_one_line(patchswap: Run, dataset_id: str, count_jobs):
    done = patchswap("compare", "--dataset", dataset_id, "--method", "patch_swap:patch_size=3")
    assert (done.returncode, "/methods/0/patch_size: 3 does not divide" in complaint(done)) == (1, True)
    assert count_jobs() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "ds_1"], "Name what to compare"),
        (["--method", "patch_swap"], "Name what to compare"),
        (["--dataset", "ds_1", "--method", "cs_kd:x"], "--method cs_kd:temperature=2"),
        (["--dataset", "ds_1", "--method", "cs_kd", "--seeds", "many"], "neither a count"),
        (["--dataset", "ds_1", "--method", "cs_kd", "--seeds", "1,"], "neither a count"),
        (["--dataset", "ds_1", "--method", "cs_kd", "--png", "no/where.png"], "There is no folder no"),
    ],
)
def test_wrong_input_is_said_before_anything_is_sent(run: Run, arguments: list[str], message: str):
    done = run("compare", *arguments, PATCHSWAP_URL=f"http://127.0.0.1:{spare_port()}", PATCHSWAP_API_KEY="psk_x")
    assert message in complaint(done)
    assert done.returncode == 2


@pytest.fixture
def variables(proxy: BreakingProxy, api_key: str) -> dict[str, str]:
    return {"PATCHSWAP_URL": proxy.url, "PATCHSWAP_API_KEY": api_key}


def test_every_job_is_a_line_on_a_terminal(
    client: Client, comparison: Comparison, variables: dict[str, str], tmp_path: Path
):
    made.succeed(comparison.jobs[0].id, 0.5)
    threading.Timer(3.0, comparison.cancel).start()
    status, seen = on_a_terminal(["compare", "watch", comparison.id], variables | {"LINES": "40"}, tmp_path)
    assert status == 1
    for expected in ("cross_entropy seed 0", "patch_swap seed 1", "100%", "succeeded", "cancelled", "1 of 4 jobs over"):
        assert expected in seen, (expected, seen)


def test_ctrl_c_leaves_the_jobs_and_says_how_to_return(
    client: Client, comparison: Comparison, variables: dict[str, str], proxy: BreakingProxy, tmp_path: Path
):
    watching = subprocess.Popen(
        [sys.executable, "-m", "patchswap", "compare", "watch", comparison.id],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | variables | {"PYTHONPATH": str(ROOT)},
    )
    deadline = time.monotonic() + 30
    while len(proxy.requests("GET", comparison.id)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    watching.send_signal(signal.SIGINT)
    told = watching.communicate(timeout=30)[1]
    assert watching.returncode == 130
    assert f"patchswap compare watch {comparison.id}" in told
    assert "Traceback" not in told
    assert comparison.refresh().status == "queued"
