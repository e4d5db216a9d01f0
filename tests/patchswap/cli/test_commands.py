"""The commands over a real api: what they print for people and for programs, and how they exit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from core.database.database import transaction
from core.tables import DatasetVersion
from patchswap.client import Client
from tests.patchswap.cli.conftest import ROOT, Run, complaint, lines_of_json, one_json
from tests.patchswap.conftest import Worker
from tests.servers.proxy import BreakingProxy


def test_login_is_proved_and_then_used(run: Run, proxy: BreakingProxy, client: Client, api_key: str, tmp_path: Path):
    wrong = run("login", "--url", proxy.url, "--api-key", "psk_wrong")
    assert (wrong.returncode, "does not accept this key" in complaint(wrong)) == (1, True)
    assert run("jobs", "list").returncode == 2
    told = one_json(run("login", "--url", proxy.url, "--json", stdin=api_key + "\n"))
    assert told["url"] == proxy.url
    assert Path(told["file"]).stat().st_mode & 0o777 == 0o600
    assert one_json(run("jobs", "list", "--json")) == []


def test_key_of_a_device_is_made_and_logs_in_though_it_may_not_read(run: Run, proxy: BreakingProxy, api_key: str):
    admin = ("login", "--url", proxy.url)
    assert run(*admin, stdin=api_key + "\n").returncode == 0
    key = one_json(run("keys", "create", "pi", "--scope", "device", "--json"))
    assert key["scopes"] == ["device"]
    assert run(*admin, stdin=key["api_key"] + "\n").returncode == 0
    refused = run("jobs", "list")
    assert (refused.returncode, "lacks the scope read" in complaint(refused)) == (1, True)


def test_a_dataset_is_shown_to_people_and_to_programs(patchswap: Run, dataset_id: str):
    shown = patchswap("datasets", "show", "pets")
    assert shown.returncode == 0
    assert "60 images of 2 classes (40 train, 10 val, 10 test), 0 images left out" in shown.stdout
    assert "\x1b" not in shown.stdout + shown.stderr
    assert one_json(patchswap("datasets", "show", dataset_id, "--json"))["validation"]["accepted"] == 60
    assert [one["name"] for one in one_json(patchswap("datasets", "list", "--json"))] == ["pets"]
    listed = patchswap("datasets", "list").stdout.splitlines()
    assert listed[0].split() == ["ID", "NAME", "VERSION", "STATUS", "CREATED"]
    assert listed[1].split()[:4] == [dataset_id, "pets", "1", "ready"]


def test_a_folder_is_pushed(patchswap: Run, tmp_path: Path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").write_bytes(b"x")
    pushed = one_json(patchswap("datasets", "push", "pets", "--name", "mine", "--no-wait", "--json"))
    assert (pushed["name"], pushed["status"]) == ("mine", "ingesting")
    assert one_json(patchswap("datasets", "rm", "mine", "--json")) == {"id": pushed["id"], "deleted": True}


def test_train_puts_options_and_assignments_over_a_file(patchswap: Run, dataset_id: str, tmp_path: Path):
    (tmp_path / "spec.json").write_text(json.dumps({"training": {"epochs": 9, "pairs_per_batch": 8}, "seed": 3}))
    options = ["--dataset", "pets", "--recipe", "resnet20_short", "--control", "--spec", "spec.json"]
    job = one_json(patchswap("train", *options, "--set", "training.epochs=5", "--set", "method.patch_size=2", "--json"))
    spec = job["spec"]
    assert (spec["training"]["epochs"], spec["training"]["pairs_per_batch"]) == (5, 8)
    assert (spec["control"], spec["seed"], spec["method"]["patch_size"]) == (True, 3, 2)
    assert one_json(patchswap("jobs", "show", job["id"], "--json"))["id"] == job["id"]


def test_train_prints_the_id_and_how_to_follow_it(patchswap: Run, dataset_id: str):
    done = patchswap("train", "--dataset", dataset_id)
    assert done.stdout.strip().startswith("job_")
    told = done.stderr.splitlines()
    assert told[0] == "default recipe small_images:"
    assert any(line.startswith("estimate: ") for line in told)
    assert told[-1] == f"Follow it: patchswap watch {done.stdout.strip()}"
    named = patchswap("train", "--dataset", dataset_id, "--recipe", "resnet20_short")
    assert named.stderr.strip() == f"Follow it: patchswap watch {named.stdout.strip()}"


def test_formats_are_listed_with_what_they_need(patchswap: Run):
    lines = patchswap("exports", "formats").stdout.splitlines()
    assert lines[1].split()[:2] == ["onnx", "available"]
    assert {line.split()[0] for line in lines[2:]} == {"openvino", "executorch", "litert", "coreml"}


def test_a_dry_run_makes_no_job(patchswap: Run, dataset_id: str):
    checked = one_json(patchswap("train", "--dataset", "pets", "--dry-run", "--json"))
    assert checked["resolved"]["training"]["image_size"] == [8, 8]
    assert checked["chosen"]["recipe"] == "small_images"
    assert checked["estimate"]["seconds_low"] < checked["estimate"]["seconds_high"]
    assert one_json(patchswap("jobs", "list", "--json")) == []


def test_a_dry_run_tells_people_what_was_chosen_why_and_how_long_it_takes(patchswap: Run, dataset_id: str):
    done = patchswap("train", "--dataset", "pets", "--dry-run", "--budget", "10d")
    assert json.loads(done.stdout)["model"]["architecture"] == "resnet20"
    assert "Images of 8 px are too small for pretrained weights" in done.stderr
    assert "The budget of 864,000 s needed no change" in done.stderr
    assert "basis: no earlier job of resnet20" in done.stderr


def test_a_budget_is_a_time(patchswap: Run, dataset_id: str):
    asked = ["train", "--dataset", "pets", "--json", "--budget"]
    assert one_json(patchswap(*asked, "2h"))["spec"]["budget_seconds"] == 7200
    assert "/budget_seconds: 31 s are too short" in complaint(patchswap(*asked, "31"))
    wrong = patchswap(*asked, "soon")
    assert (wrong.returncode, "Write it like 90s, 10m or 1.5h" in complaint(wrong)) == (2, True)


def test_training_on_a_dataset_that_failed_points_to_its_report(patchswap: Run, dataset_id: str):
    with transaction() as session:
        session.execute(update(DatasetVersion).values(status="failed"))
    done = patchswap("train", "--dataset", "pets")
    assert done.returncode == 1
    assert "To read why, run `patchswap datasets show pets`." in complaint(done)


def test_prune_sets_the_target_and_the_rest_can_be_set_too(patchswap: Run, dataset_id: str):
    options = ["--prune", "0.5", "--set", "compression.pruning.rounds=2", "--set", "training.epochs=8"]
    checked = one_json(patchswap("train", "--dataset", "pets", *options, "--dry-run", "--json"))
    pruning = checked["resolved"]["compression"]["pruning"]
    assert (pruning["target_macs_share"], pruning["rounds"], pruning["fine_tune_epochs"]) == (0.5, 2, 4)


@pytest.mark.parametrize(("typed", "size"), [("16", [16, 16]), ("16x24", [16, 24]), ("auto", [8, 8])])
def test_image_size_and_fit_are_options(patchswap: Run, dataset_id: str, typed: str, size: list[int]):
    options = ["--image-size", typed, "--fit", "letterbox"]
    training = one_json(patchswap("train", "--dataset", "pets", *options, "--dry-run", "--json"))["resolved"][
        "training"
    ]
    assert (training["image_size"], training["fit"]) == (size, "letterbox")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train", "--dataset", "pets", "--image-size", "big"], 2, "Write it like 320, or 288x384 for height x width"),
        (["train", "--dataset", "pets", "--image-size", "4096"], 1, "/training/image_size"),
        (["train", "--dataset", "pets", "--fit", "crop"], 1, "/training/fit: "),
        (["train", "--dataset", "nobody"], 1, "There is no dataset or version 'nobody'. `patchswap datasets list`"),
        (["train", "--dataset", "ds_" + "0" * 32], 1, "/dataset: There is no dataset or version 'ds_" + "0" * 32),
        (["train", "--dataset", "pets", "--tiles", "2"], 1, "/training/tiles: This is for segmentation and detection"),
        (["train", "--dataset", "pets", "--tiles", "0"], 1, "/training/tiles/shrink"),
        (["train", "--dataset", "pets", "--set", "training.epochs=0"], 1, "/training/epochs: "),
        (["train", "--dataset", "pets", "--set", "method.patch_size=3"], 1, "3 does not divide"),
        (["train", "--dataset", "pets", "--prune", "1.5"], 1, "/compression/pruning/target_macs_share: "),
        (["train", "--dataset", "pets", "--set", "nonsense=1"], 1, "/nonsense: "),
        (["train", "--dataset", "pets", "--recipe", "nothing"], 1, "There is no recipe 'nothing'"),
        (["jobs", "show", "job_" + "0" * 32], 1, "nothing by the id job_" + "0" * 32),
        (["pull", "model_" + "0" * 32], 1, "nothing by the id model_" + "0" * 32),
        (["report", "model_" + "0" * 32], 1, "Check the id"),
    ],
)
def test_what_the_service_refuses_is_one_line(
    patchswap: Run, dataset_id: str, arguments: list[str], status: int, message: str
):
    done = patchswap(*arguments)
    assert message in complaint(done)
    assert done.returncode == status


def test_verbs_print_the_status(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id, name="Night run")
    assert patchswap("pause", job.id).stdout == f"{job.id} paused\n"
    assert patchswap("resume", job.id).stdout == f"{job.id} queued\n"
    assert one_json(patchswap("cancel", job.id, "--json"))["status"] == "cancelled"
    assert one_json(patchswap("jobs", "list", "--status", "cancelled", "--json"))[0]["id"] == job.id
    assert one_json(patchswap("jobs", "list", "--name", "night", "--json"))[0]["id"] == job.id
    assert one_json(patchswap("jobs", "list", "--name", "day", "--json")) == []
    assert one_json(patchswap("jobs", "rm", job.id, "--json")) == {"id": job.id, "deleted": True}


def test_watching_a_job_that_fails_ends_with_one(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id)
    worker = Worker(job.id)
    worker.claim()
    worker.notice("on \x1b[31mit")
    threading.Timer(1.0, worker.end, ["failed"]).start()
    done = patchswap("watch", job.id)
    assert done.returncode == 1
    assert f"{job.id}: failed" in done.stdout
    assert "info: on ?[31mit" in done.stderr
    assert "\x1b" not in done.stderr


def test_watching_as_json_is_one_event_a_line_and_the_job_last(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id)
    job.cancel()
    done = patchswap("watch", job.id, "--json")
    assert done.returncode == 1
    *events, last = lines_of_json(done)
    assert [event["data"]["status"] for event in events if event["type"] == "status"] == ["queued", "cancelled"]
    assert (last["type"], last["job"]["status"]) == ("end", "cancelled")


def test_ctrl_c_leaves_the_job_and_says_how_to_return(
    client: Client, dataset_id: str, proxy: BreakingProxy, api_key: str, tmp_path: Path
):
    job = client.jobs.create(dataset=dataset_id)
    variables = {"PATCHSWAP_URL": proxy.url, "PATCHSWAP_API_KEY": api_key, "PYTHONPATH": str(ROOT)}
    watching = subprocess.Popen(
        [sys.executable, "-m", "patchswap", "watch", job.id],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | variables,
    )
    deadline = time.monotonic() + 30
    while not proxy.requests("GET", "/events/stream"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    watching.send_signal(signal.SIGINT)
    told = watching.communicate(timeout=30)[1]
    assert watching.returncode == 130
    assert f"The job goes on. Follow it: patchswap watch {job.id}" in told
    assert "Traceback" not in told
    assert job.refresh().status == "queued"


def test_keys_are_made_listed_and_revoked(patchswap: Run, run: Run, proxy: BreakingProxy):
    made = patchswap("keys", "create", "ci", "--scope", "read")
    secret = made.stdout.strip()
    assert secret.startswith("psk_")
    assert "not shown again" in made.stderr
    assert run("jobs", "list", PATCHSWAP_URL=proxy.url, PATCHSWAP_API_KEY=secret).returncode == 0
    (key,) = [key for key in one_json(patchswap("keys", "list", "--json")) if key["name"] == "ci"]
    assert secret not in patchswap("keys", "list", "--json").stdout
    patchswap("keys", "revoke", key["id"])
    refused = run("jobs", "list", PATCHSWAP_URL=proxy.url, PATCHSWAP_API_KEY=secret)
    assert refused.returncode == 1
    assert "does not accept this key" in complaint(refused)


def test_recipes_are_listed_and_shown(patchswap: Run):
    listed = patchswap("recipes", "list").stdout.splitlines()
    assert any(line.startswith("resnet20_short ") for line in listed)
    assert max(map(len, listed)) <= 120
    assert one_json(patchswap("recipes", "show", "resnet20_short", "--json"))["spec"]["training"]["epochs"] == 30


def test_checkpoints_are_listed_and_pinned(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id)
    worker = Worker(job.id)
    worker.claim()
    worker.save_checkpoint()
    (found,) = one_json(patchswap("jobs", "checkpoints", job.id, "--json"))
    assert patchswap("jobs", "pin", job.id, found["id"]).stdout == f"{found['id']} is pinned\n"
    header, row = patchswap("jobs", "checkpoints", job.id).stdout.splitlines()
    assert (header.split()[:3], row.split()[:5]) == (["ID", "ARM", "STEP"], [found["id"], "main", "10", "5", "pinned"])
    assert one_json(patchswap("jobs", "unpin", job.id, found["id"], "--json"))["pinned"] is False


def test_log_is_printed_and_cannot_steer_the_terminal(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id)
    worker = Worker(job.id)
    worker.claim()
    worker.say("epoch 1", "a\x1b[31mred")
    lines = patchswap("logs", job.id).stdout.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == ["trainer epoch 1", "trainer a?[31mred"]
    assert one_json(patchswap("jobs", "logs", job.id, "--tail", "1", "--json"))["seq"] == 2


def test_job_is_read_route_by_route(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id, labels={"project": "demo"})
    events = lines_of_json(patchswap("jobs", "events", job.id, "--json"))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert one_json(patchswap("jobs", "metrics", job.id, "--json")) == {}
    assert one_json(patchswap("jobs", "usage", job.id, "--json"))["gpu_seconds"] == 0
    assert "There is one once its status is succeeded" in complaint(patchswap("jobs", "evaluation", job.id))
    clone = one_json(patchswap("jobs", "clone", job.id, "--set", "seed=7", "--json"))
    assert (clone["spec"]["seed"], clone["labels"]) == (7, {"project": "demo"})
    light, full = (one_json(patchswap("jobs", "list", *more, "--json")) for more in ([], ["--full"]))
    assert [one["spec"] for one in light] == [{}, {}]
    assert {one["spec"]["seed"] for one in full} == {0, 7}
    assert one_json(patchswap("jobs", "list", "--dataset", "pets@1", "--json")) == light


def test_checkpoint_is_downloaded(patchswap: Run, client: Client, dataset_id: str, tmp_path: Path):
    job = client.jobs.create(dataset=dataset_id)
    worker = Worker(job.id)
    worker.claim()
    stored = worker.save_checkpoint(b"state")
    (checkpoint,) = one_json(patchswap("jobs", "checkpoints", job.id, "--json"))
    assert patchswap("jobs", "download", job.id, checkpoint["id"], "-o", "state.ckpt").returncode == 0
    assert (tmp_path / "state.ckpt").read_bytes() == b"state"
    assert stored.bytes == 5


def test_account_says_who_it_is_and_what_it_changed(patchswap: Run, client: Client, dataset_id: str):
    assert patchswap("me").stdout.startswith("default (tnt_")
    assert one_json(patchswap("me", "--json"))["quotas"]["images"]["used"] == 60
    client.datasets.rename(dataset_id, "dogs")
    assert one_json(patchswap("audit", "--limit", "1", "--json"))[0]["path"] == f"/v1/datasets/{dataset_id}"
    assert patchswap("--version").stdout == patchswap("version").stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [("patchswap tra", "train"), ("patchswap jobs cl", "clone"), ("patchswap train --exp", "--export")],
)
def test_shell_completes_commands_and_options(run: Run, words: str, completed: str):
    position = str(len(words.split()) - 1)
    done = run(_PATCHSWAP_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=position)
    assert done.stdout.split() == [completed]
