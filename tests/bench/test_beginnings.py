"""The bench of masks and boxes from pretrained weights: what its arms share, that it goes on, what it writes."""

from __future__ import annotations

from pathlib import Path

from bench import beginnings
from bench.beginnings import BEGIN, END, PRETRAINED, RANDOM, SMALL, TILES, Published, Record, arms, table
from contract.specs import plan
from tests.contract.specs.test_resolution import manifest

WIDE = {
    "task": "detection",
    "encoding": "encoded",
    "channels": 3,
    "image_size": None,
    "median_size": (640, 480),
    "mean": [0.5] * 3,
    "std": [0.2] * 3,
}


def record(arm: str, seed: int, test: float) -> Record:
    one = {"dataset": "blood_cells", "figure": "ap50", "size_px": "256 x 256", "epochs": 7, "images_seen": 2_856}
    parts = {"red": test, "platelets": test - 0.1}
    return Record(key=f"{arm}{seed}", arm=arm, seed=seed, test=test, cpu_seconds=400, by_class=parts, **one)


def test_the_arms_differ_in_what_they_compare_alone() -> None:
    pack = manifest(**WIDE)
    found = arms(pack, seed=3, epochs=None)
    ours, random, small = found[PRETRAINED], found[RANDOM], found[SMALL]
    assert (ours.model.pretrained, random.model.pretrained) == ("wts_efficientnet_lite0_in1k", None)
    assert random.model.architecture == ours.model.architecture == small.model.architecture
    assert small.model.pretrained == ours.model.pretrained
    assert (small.width, small.height) == (224, 224)
    tiles = found[TILES]
    assert (tiles.width, tiles.height, tiles.training.tiles.shrink) == (256, 256, 1)
    assert tiles.model == ours.model
    assert (random.width, random.height) == (ours.width, ours.height) != (224, 224)
    assert random.optimizer == ours.optimizer == small.optimizer == tiles.optimizer
    assert {plan(spec, pack).steps for spec in found.values()} == {plan(ours, pack).steps}


def test_the_table_has_a_row_an_arm_and_the_difference_over_common_seeds() -> None:
    records = [record(PRETRAINED, seed, 0.7 + 0.01 * seed) for seed in range(3)]
    records += [record(RANDOM, seed, 0.4 + 0.01 * seed) for seed in range(2)]
    text = table(Published(machine="a machine", records=records))
    assert (
        "| blood_cells | default recipe | 3 | 256 x 256 | 7 | 2,856 | 400 | AP50 | 71.0 |  | red 71.0, platelets 61.0 |"
        in text
    )
    assert "| the same network from random weights | 2 | 256 x 256 | 7 | 2,856 | 400 | AP50 | 40.5 | -30.0" in text


def test_publishing_leaves_the_rest_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "finetuning.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    path = tmp_path / "results" / "beginnings.json"
    beginnings.publish(tmp_path, path, [record(PRETRAINED, 0, 0.7)])
    assert page.read_text().startswith(f"before\n{BEGIN}\n\n| dataset |")
    assert page.read_text().endswith(f"{END}\nafter\n")
    assert beginnings.read(path) == {f"{PRETRAINED}0": record(PRETRAINED, 0, 0.7)}
