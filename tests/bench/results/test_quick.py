"""`python -m bench.results --quick`: the whole way on real training, as `make results` goes it."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from bench.results import __main__, runner
from bench.results.places import pack_folder, teacher_folder
from bench.results.records import Store
from contract.specs.normalisation import Normalisation
from trainer.data.pack import open_pack
from trainer.methods import teacher

KEPT = ("cross_entropy", 1)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The folder of a run as a person starts it, and what it printed."""
    folder = tmp_path_factory.mktemp("quick")
    command = [sys.executable, "-m", "bench.results", "--quick", "--jobs", "1", *places(folder)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def places(folder):
    return ["--folder", str(folder / "runs"), "--docs", str(folder / "docs")]


def run_here(monkeypatch, *options):
    """In this process, training in a thread: what is started anew each time is torch, for seconds."""
    monkeypatch.setattr(sys, "argv", ["bench.results", *options])
    monkeypatch.setattr(runner, "pool", ThreadPoolExecutor)
    return __main__.main()


@pytest.mark.slow
def test_a_quick_run_publishes_and_writes_the_document(first):
    folder, printed = first
    trials = [line for line in printed.splitlines() if " trial " in line]
    assert len(trials) == 4
    assert all(": val " in line for line in trials)  # test is not looked at while tuning
    raw = json.loads((folder / "docs" / "results" / "digits_10.json").read_text())
    assert all(("test" in record) == (record["seed"] != 0) for record in raw["records"])
    assert len({record["images_seen"] for record in raw["records"]}) == 1
    text = (folder / "docs" / "results_small.md").read_text()
    assert "| cross_entropy |" in text
    assert "| patch_swap |" in text


def test_cross_entropy_runs_are_kept_as_teachers(first):
    folder, _ = first
    pack = open_pack(pack_folder(folder / "runs", "digits_10", 1))
    (control,) = (record for record in Store(folder / "runs").records.values() if (record.method, record.seed) == KEPT)
    own = Normalisation(mean=tuple(pack.manifest.mean), std=tuple(pack.manifest.std))
    kept = teacher.load(teacher_folder(folder / "runs", control.key), pack.manifest, own, torch.device("cpu"))
    assert kept(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_a_second_run_goes_on_where_the_first_one_was(first, monkeypatch, capsys):
    folder, _ = first
    path = folder / "runs" / "runs.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert run_here(monkeypatch, "--quick", "--jobs", "1", *places(folder)) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("digits_10 ")]) == 1


def test_a_method_that_breaks_is_shown_and_costs_no_other_one(tmp_path, monkeypatch, capsys):
    done = runner._perform

    def breaking(run, folder):
        if run.method == "patch_swap":
            raise RuntimeError("a fault of the method")
        return done(run, folder)

    monkeypatch.setattr(runner, "_perform", breaking)
    assert run_here(monkeypatch, "--quick", "--jobs", "1", *places(tmp_path)) == 1
    printed = capsys.readouterr()
    assert "a fault of the method" in printed.err
    assert "digits_10 cross_entropy seed 1" in printed.out
    assert "digits_10 is not complete: patch_swap;" in printed.out


def test_a_run_out_of_minutes_says_what_is_missing_and_publishes_nothing(tmp_path, monkeypatch, capsys):
    assert run_here(monkeypatch, "--quick", "--minutes", "0", *places(tmp_path)) == 1
    assert "digits_10 is not complete: cross_entropy, patch_swap" in capsys.readouterr().out
    assert not (tmp_path / "docs").exists()


def test_the_document_is_made_of_what_is_published_alone(first, monkeypatch):
    folder, _ = first
    document, picture = folder / "docs" / "results_small.md", folder / "docs" / "results" / "digits_10.png"
    before = document.read_bytes(), picture.read_bytes()
    document.unlink()
    assert run_here(monkeypatch, "--render", *places(folder)) == 0
    assert (document.read_bytes(), picture.read_bytes()) == before


def test_quick_figures_do_not_get_into_the_repository(monkeypatch, capsys):
    with pytest.raises(SystemExit, match="2"):
        run_here(monkeypatch, "--quick")
    assert "another --docs folder" in capsys.readouterr().err
