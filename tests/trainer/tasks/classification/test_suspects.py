"""Wrong labels are planted in scans of digits, a network learns from them, and they are found."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from contract.results.evaluation import Evaluation, SuspectedLabel
from tests.data import packs
from tests.trainer.conftest import spec_for
from tests.trainer.report.test_page import check_self_contained
from tests.trainer.runs import run_here
from trainer import evaluation
from trainer.data.pack import Pack, open_pack
from trainer.machine import device

SHARE = 0.05
SPLITS = np.repeat([0, 1, 2], [1197, 200, 400])


def planted(folder: Path) -> tuple[Pack, np.ndarray]:
    """All 1,797 digits, 5 % of each split with another label; and for each row of the pack whether it is wrong."""
    data = load_digits()
    random = np.random.default_rng(0)
    order = random.permutation(len(data.target))
    images, labels = (data.images[order] * (255 / 16)).astype(np.uint8)[..., None], data.target[order].copy()
    wrong = np.zeros(len(labels), bool)
    for split in range(3):
        rows = np.flatnonzero(split == SPLITS)
        wrong[random.permutation(rows)[: round(SHARE * len(rows))]] = True
    labels[wrong] = (labels[wrong] + random.integers(1, 10, wrong.sum())) % 10
    packs.write(folder, list(images), labels=labels, splits=SPLITS)
    return open_pack(folder), wrong


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, np.ndarray, str]:
    folder = tmp_path_factory.mktemp("suspects")
    pack, wrong = planted(folder / "pack")
    training = {"epochs": 12, "pairs_per_batch": 16, "augmentation": {"horizontal_flip": False}}
    spec = spec_for(pack, method={"name": "cross_entropy"}, training=training)
    run_here(spec, pack, folder / "out")
    *_, done = evaluation.evaluate(spec, pack=pack, out=folder / "out", arm="main", device=device.choose())
    found = Evaluation.model_validate_json((folder / "out" / done.files["evaluation"]).read_bytes())
    return found, wrong, (folder / "out" / done.files["report"]).read_text()


def right(suspects: list[SuspectedLabel], wrong: np.ndarray) -> float:
    return float(np.mean([wrong[suspect.index] for suspect in suspects]))


@pytest.mark.slow
def test_planted_labels_in_held_out_images_are_found_first(judged: tuple[Evaluation, np.ndarray, str]) -> None:
    """30 of 600 are wrong. Of the 30 most suspect at least 80 % are, which is recall at 30, too."""
    found, wrong, _ = judged
    suspects = found.suspected_labels
    assert suspects is not None
    assert suspects.images == {"train": 1197, "val": 200, "test": 400}
    assert wrong[SPLITS > 0].sum() == 30
    assert right(suspects.held_out[:30], wrong) >= 0.8
    assert {suspect.split for suspect in suspects.held_out} == {"val", "test"}


def test_planted_labels_in_training_images_are_found_with_few_mistakes(
    judged: tuple[Evaluation, np.ndarray, str],
) -> None:
    found, wrong, _ = judged
    suspects = found.suspected_labels
    assert suspects is not None
    assert {suspect.split for suspect in suspects.train} == {"train"}
    assert right(suspects.train[:20], wrong) >= 0.8


def test_suggested_label_is_the_true_one(judged: tuple[Evaluation, np.ndarray, str]) -> None:
    found, wrong, _ = judged
    random = np.random.default_rng(0)
    data = load_digits()
    truth = data.target[random.permutation(len(data.target))]
    listed = [suspect for suspect in found.suspected_labels.held_out if wrong[suspect.index]]
    assert np.mean([int(suspect.suggested) == truth[suspect.index] for suspect in listed]) >= 0.9
    assert all(suspect.path == f"{suspect.index}.png" for suspect in listed)


def test_report_shows_them_with_pictures(judged: tuple[Evaluation, np.ndarray, str]) -> None:
    found, _, page = judged
    check_self_contained(page)
    assert "Suspected wrong labels" in page
    assert found.suspected_labels.held_out[0].path in page
    assert page.count("labelled <span") == 24
