"""What a run says and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.numpy
import torch

from contract.pack.manifest import Split
from tests.data import packs
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import ROOT, finish, run_here, run_main, start, steps_saved, write_spec
from trainer import errors
from trainer.__main__ import _read_spec
from trainer.data import images
from trainer.data.pack import Pack, open_pack
from trainer.machine import durable
from trainer.tasks.classification import samples
from trainer.tasks.classification.methods.patch_swap import PatchSwap
from trainer.training import loop, pacing


def test_the_story_of_a_run_in_messages(digits: Pack, tmp_path: Path) -> None:
    said = run_here(spec_for(digits), digits, tmp_path)
    kinds = [message.type for message in said if message.type != "progress"]
    assert kinds == ["started", "metrics", "metrics", "checkpoint", "done"]
    started, first, last, saved, done = (message for message in said if message.type != "progress")
    assert (started.step, started.steps, started.epochs, started.images_per_step) == (0, 6, 2, 32)
    assert (first.step, first.epoch, last.step, last.epoch) == (3, 1, 6, 2)
    assert set(last.values) == {
        "train.loss",
        "train.ce_loss",
        "train.kd_loss",
        "train.top1_accuracy",
        "val.top1_accuracy",
        "val.nll",
        "learning_rate",
        "train.gradient_l1",
        "images_per_second",
    }
    assert (tmp_path / saved.path).stat().st_size == saved.bytes
    assert len(saved.sha256) == 64
    tensors = safetensors.numpy.load_file(tmp_path / done.files["weights"])
    assert tensors["fc.weight"].shape == (10, 64)
    train = json.loads((tmp_path / done.files["train"]).read_text())
    assert train["images_seen"] == 6 * 32


def test_control_is_cross_entropy_on_as_many_images(digits: Pack, tmp_path: Path) -> None:
    main = run_here(spec_for(digits), digits, tmp_path)[0]
    control = run_here(spec_for(digits), digits, tmp_path, arm="control")
    assert control[0].steps * control[0].images_per_step == main.steps * main.images_per_step
    metrics = next(message for message in control if message.type == "metrics")
    assert "train.kd_loss" not in metrics.values
    assert json.loads((tmp_path / "control" / "train.json").read_text())["method"] == "cross_entropy"


def test_rectangular_and_larger_images_train(tmp_path: Path) -> None:
    packs.shapes(tmp_path / "pack", size=(24, 40), counts=(24, 6, 6))
    pack = open_pack(tmp_path / "pack")
    for size in ("auto", [16, 32]):
        asked = {"epochs": 1, "pairs_per_batch": 8, "image_size": size}
        spec = spec_for(pack, training=asked, model={"architecture": "mobilenet_v3_small"})
        assert run_here(spec, pack, tmp_path / str(size))[-1].type == "done"


def test_test_split_is_never_read_in_training(tmp_path: Path) -> None:
    packs.digits(tmp_path / "pack", train=48, val=0, test=20)
    pack = open_pack(tmp_path / "pack")
    said = run_here(spec_for(pack), pack, tmp_path)
    assert not any(name.startswith("val.") for m in said if m.type == "metrics" for name in m.values)


def test_validation_is_seldom_where_it_is_dear_and_always_last(digits: Pack, tmp_path: Path) -> None:
    packs.digits(tmp_path / "pack", train=32, val=200, test=20)
    pack = open_pack(tmp_path / "pack")
    spec = spec_for(pack, training=body()["training"] | {"epochs": 13})
    said = run_here(spec, pack, tmp_path)
    validated = [m.epoch for m in said if m.type == "metrics" and "val.nll" in m.values]
    assert validated == [11, 13]  # 200 / 3 forward passes against a tenth of 64 images: every 11th


@pytest.mark.parametrize(
    "method",
    ["patch_swap", *(pytest.param(name, marks=pytest.mark.slow) for name in ("patch_swap_only", "cross_entropy"))],
)
def test_digits_are_learnt(tmp_path: Path, method: str) -> None:
    packs.digits(tmp_path / "pack", train=1000, val=400, test=0)
    pack = open_pack(tmp_path / "pack")
    training_part = {"epochs": 5, "pairs_per_batch": 32, "augmentation": {"horizontal_flip": False}}
    spec = spec_for(pack, training=training_part, method={"name": method}, optimizer={"schedule": "cosine"})
    said = run_here(spec, pack, tmp_path)
    assert [m.values["val.top1_accuracy"] for m in said if m.type == "metrics"][-1] > 0.9


@pytest.mark.parametrize("lost", [{4, 5, 6}, {2}, {6}], ids=["for good", "for a step", "at the end"])
def test_lost_loss_ends_the_run_with_a_remedy(
    digits_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: set[int]
) -> None:
    def lose_at_times(self, *given):
        calls.append(1)
        factor = float("nan") if len(calls) in lost else 1.0
        judged = judge(self, *given)
        return judged._replace(losses={name: value * factor for name, value in judged.losses.items()})

    judge, calls = PatchSwap.judge, []
    monkeypatch.setattr(PatchSwap, "judge", lose_at_times)
    spec = write_spec(tmp_path, body())
    status, said = run_main(["train", spec, "--pack", digits_folder, "--out", tmp_path], tmp_path)
    assert status == 3
    assert (said[-1].type, said[-1].error.code, said[-1].error.category) == ("failed", "loss_nan", "user_spec")
    assert "learning_rate" in said[-1].error.remediation
    assert not (tmp_path / "main" / "model.safetensors").exists()
    assert not list((tmp_path / "main").glob("checkpoints/*"))


def test_a_lost_state_is_never_saved(digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(run):
        step(run)
        run.last_loss = run.last_loss / (run.position.step != 2)

    step = loop.train_step
    monkeypatch.setattr(loop, "train_step", lose)
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    with pytest.raises(errors.TrainerError, match="by step 2"):
        run_here(spec_for(digits), digits, tmp_path)
    assert steps_saved(tmp_path / "main" / "checkpoints") == [1]


def test_stdout_holds_messages_alone(digits_folder: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, body())
    process = start(["train", spec, "--pack", digits_folder, "--out", tmp_path], module="tests.trainer.chatty")
    status, said, errors_said = finish(process)
    assert status == 0
    assert said[-1].type == "done"
    assert "a library chatters" in errors_said
    assert "C code chatters" in errors_said


def test_faults_of_pack_and_spec_are_named(digits_folder: Path, tmp_path: Path) -> None:
    plain = write_spec(tmp_path, body())
    status, said = run_main(["train", plain, "--pack", tmp_path, "--out", tmp_path], tmp_path)
    assert (status, said[-1].error.code) == (3, "dataset_invalid")
    status, said = run_main(["evaluate", plain, "--pack", digits_folder, "--out", tmp_path], tmp_path)
    assert (status, said[-1].error.code) == (3, "weights_missing")
    spec = write_spec(tmp_path, body(method={"name": "patch_swap", "patch_size": 3}))
    status, said = run_main(["train", spec, "--pack", digits_folder, "--out", tmp_path], tmp_path)
    assert (status, said[-1].error.code) == (3, "spec_invalid")
    assert "/method/patch_size" in said[-1].error.message
    spec.write_text("{")
    status, said = run_main(["train", spec, "--pack", digits_folder, "--out", tmp_path], tmp_path)
    assert (status, said[-1].error.code) == (3, "spec_invalid")


def test_a_run_that_leaves_the_test_split_unread_opens_none_of_its_images(
    digits: Pack, digits_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    real = images.open_images

    def spying(pack, rows, **options):
        opened.extend(rows.tolist())
        return real(pack, rows, **options)

    for module in (samples, images):
        monkeypatch.setattr(module, "open_images", spying)
    where = ["--pack", digits_folder, "--out", tmp_path]
    test = {"evaluation": {"test": False, "robustness": ["fgsm"]}, "exports": []}
    spec = write_spec(tmp_path, body(**test))
    assert run_main(["train", spec, *where], tmp_path)[0] == 0
    assert run_main(["evaluate", spec, *where], tmp_path)[0] == 0
    found = json.loads((tmp_path / "main" / "evaluation.json").read_text())
    assert (list(found["splits"]), found["evaluation_split"]) == (["val"], "val")
    assert found["splits"]["val"]["robustness"]["fgsm"]
    assert set(opened) == {*digits.rows(Split.TRAIN).tolist(), *digits.rows(Split.VAL).tolist()}
    status, said = run_main(["export", spec, *where], tmp_path)
    assert (status, said[-1].error.code) == (3, "spec_invalid")
    assert "test split" in said[-1].error.message


def test_a_resolved_spec_means_the_same_as_the_one_submitted(digits: Pack, tmp_path: Path) -> None:
    plain = write_spec(tmp_path, body())
    asked, _ = _read_spec(plain, digits.manifest)
    plain.write_text(asked.model_dump_json())
    assert _read_spec(plain, digits.manifest)[0] == asked == spec_for(digits)


def test_full_disk_is_named_and_leaves_the_earlier_file_whole(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False).returncode == 0
    if not mounted:
        pytest.skip("mounting a small file system needs root")
    try:
        durable.write(small / "file", b"1" * 40_000)
        with pytest.raises(OSError) as raised:
            durable.write(small / "file", b"2" * 40_000)
        assert errors.named(raised.value).code == "disk_full"
        assert (small / "file").read_bytes() == b"1" * 40_000
        assert [path.name for path in small.iterdir()] == ["file"]
    finally:
        subprocess.run(["umount", small], check=True)


def test_memory_that_is_not_there_is_named() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert errors.named(raised.value).code == "out_of_memory"
    assert errors.named(torch.OutOfMemoryError()).code == "gpu_oom"
    assert errors.named(RuntimeError("a bug")) is None


def test_trainer_dies_with_its_parent(digits_folder: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, body(training=body()["training"] | {"epochs": 10_000}))
    command = [
        sys.executable,
        "-m",
        "trainer",
        "train",
        str(spec),
        "--pack",
        str(digits_folder),
        "--out",
        str(tmp_path),
    ]
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess; p = subprocess.Popen({command!r}); print(p.pid, flush=True); p.wait()",
        ],
        cwd=ROOT,
        env=os.environ | {"PATCHSWAP_DIE_WITH_PARENT": "1"},
        stdout=subprocess.PIPE,
    )
    child = int(parent.stdout.readline())
    while b"progress" not in parent.stdout.readline():
        assert _is_running(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while _is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_progress_says_where_the_run_is_and_an_epochs_metrics_are_means(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PROGRESS_SECONDS", 0.0)
    said = run_here(spec_for(digits), digits, tmp_path)
    progress = [message for message in said if message.type == "progress"]
    assert [message.step for message in progress] == [1, 2, 3, 4, 5, 6]
    assert [message.epoch for message in progress] == [1, 1, 2, 2, 2, 2]
    assert all(message.images_per_second > 0 for message in progress)
    reported = [message.values["train.loss"] for message in said if message.type == "metrics"]
    losses = [message.loss for message in progress]
    assert reported == pytest.approx([sum(losses[:3]) / 3, sum(losses[3:]) / 3])
