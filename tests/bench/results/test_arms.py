"""Data sets whose settings are taken as they are: no trials, a row an arm, and no data without the reader's folder."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from bench.results import __main__ as results
from bench.results import cifar100, document, published
from bench.results.datasets import DATASETS, arm_names
from bench.results.protocol import CONTROL, Protocol, Study
from contract.pack.manifest import Split
from contract.specs import plan
from tests.bench.results.made import done, study
from tests.bench.test_finetuning import PHOTOGRAPHS
from tests.contract.specs.test_resolution import manifest
from trainer.data.pack import open_pack

NAME = "cifar100_50"


@pytest.mark.parametrize("arm", DATASETS[NAME].arms)
def test_every_seed_of_an_arm_runs_at_its_settings_without_trials(arm: str) -> None:
    one, said = study(NAME), DATASETS[NAME].arms[arm]
    runs = list(one.ready([arm], {}))
    assert [(run.seed, run.method, run.settings) for run in runs] == [(seed, arm, said.settings) for seed in (1, 2)]
    assert {run.spec.method.name for run in runs} == {said.method}
    assert one.complete(arm, {run.key: done(run) for run in runs})
    assert not one.complete(arm, {})


@pytest.mark.parametrize("name", [name for name, dataset in DATASETS.items() if dataset.fine_tuned])
def test_arms_on_photographs_differ_from_the_default_recipe_in_the_method_alone(name: str) -> None:
    pack = manifest(**PHOTOGRAPHS)
    one = Study(name, DATASETS[name], {1: pack}, Protocol(seeds=(1,)))
    runs = [next(one.ready([arm], {})) for arm in DATASETS[name].arms]
    assert {plan(run.spec, pack).steps * plan(run.spec, pack).images_per_step for run in runs} == {
        plan(runs[0].spec, pack).steps * plan(runs[0].spec, pack).images_per_step
    }
    assert len({run.spec.model_dump_json(exclude={"method"}) for run in runs}) == 1
    assert {run.spec.model.pretrained for run in runs} == {"wts_efficientnet_lite0_in1k"}
    assert len({run.key for run in runs}) == len(runs)


def test_the_page_has_the_answers_and_the_appendix_what_is_small(tmp_path) -> None:
    real, small = study(NAME), study("digits_10", trials=1)
    found = []
    for one in (real, small):
        records: dict = {}
        while missing := [run for arm in (CONTROL, "patch_swap") for run in one.ready([arm], records)]:
            records |= {run.key: done(run, test=0.9 if run.method == "patch_swap" else 0.8) for run in missing}
        found.append(published.of(one, [CONTROL, "patch_swap"], records, "a machine"))
    document.write(tmp_path, found)
    page, appendix = ((tmp_path / name).read_text() for name in (document.PAGE, document.APPENDIX))
    assert "**Few images, from random weights.** CIFAR-100, 50 training images per class, 2" in page
    assert "`patch_swap`\n  +10.00 points" in page or "`patch_swap` +10.00 points" in page
    assert "### CIFAR-100" in page
    assert "## Digits" in appendix
    assert "Digits" not in page
    assert all(len(line) <= 100 for line in page.splitlines() if not line.startswith(("|", "!")))


def test_an_arm_of_one_data_set_is_nothing_to_another() -> None:
    other = study("digits_10")
    assert all(not list(other.ready([name], {})) and other.complete(name, {}) for name in arm_names())


def test_arms_that_share_a_method_are_published_apart() -> None:
    one = study(NAME)
    arms = [CONTROL, "patch_swap", "patch_swap_closed"]
    records = {run.key: done(run) for arm in arms for run in one.ready([arm], {})}
    found = published.of(one, arms, records, "a machine")
    assert found.methods == arms
    assert {len(found.tuned_by_seed(arm)) for arm in arms} == {2}


def test_draws_of_an_archive_differ_in_their_training_images_only(tmp_path) -> None:
    _archive(tmp_path / cifar100.ARCHIVE)
    packs = [tmp_path / "packs" / str(draw) for draw in (1, 2)]
    for draw, folder in enumerate(packs, start=1):
        counts = cifar100.build(folder, draw=draw, data=tmp_path, per_class=5).counts
        assert [set(counts[split].values()) for split in ("train", "val", "test")] == [{5}, {20}, {6}]
    first, second = ({split: _images(folder, split) for split in Split} for folder in packs)
    assert (first[Split.VAL], first[Split.TEST]) == (second[Split.VAL], second[Split.TEST])
    assert set(first[Split.TRAIN]) != set(second[Split.TRAIN])
    assert not set(first[Split.TRAIN]) & set(first[Split.VAL])


def test_a_data_set_without_its_archive_is_left_out_loudly(tmp_path, monkeypatch, capsys) -> None:
    arguments = ["results", "--only", NAME, "--data", str(tmp_path), "--folder", str(tmp_path), "--docs", str(tmp_path)]
    monkeypatch.setattr("sys.argv", arguments)
    results.main()
    assert f"{NAME} is left out: give the folder of {cifar100.ARCHIVE} as --data" in capsys.readouterr().err


def _archive(path) -> None:
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in (("train", 300), ("test", 6)):
            for name in ("apple", "bear"):
                for number in range(count):
                    file = io.BytesIO()
                    Image.fromarray(random.integers(0, 256, cifar100.SHAPE, dtype=np.uint8)).save(file, "PNG")
                    archive.writestr(f"cifar100/{split}/{name}/{number}.png", file.getvalue())


def _images(folder, split: Split) -> list[bytes]:
    pack = open_pack(folder)
    hashes = pack.table.column("sha256").to_pylist()
    return [hashes[row] for row in pack.rows(split)]
