"""The document says what the records hold, and no more."""

from __future__ import annotations

from pathlib import Path

from bench.scenes import document
from bench.scenes.records import Published, Record, keep, publish, published, read


def record(arm: str, seed: int, value: float, *, before: int = 0) -> Record:
    figures = {"mean_iou": value, "nll": 0.1}
    return Record(
        key=f"{arm}-{seed}".replace(" ", "-"),
        arm=arm,
        seed=seed,
        digest=str(seed),
        images_seen=800,
        images_seen_before=before,
        cpu_seconds=10.0,
        cpu_seconds_before=5.0 if before else 0.0,
        test=figures,
        untrained={"mean_iou": 0.1, "nll": 2.0},
    )


def found(records: list[Record]) -> Published:
    return Published(task="segmentation", machine="a machine", families=["Lato"], records=records)


def text(tmp_path: Path, records: list[Record]) -> str:
    document.write(tmp_path / "scenes.md", [found(records)])
    return (tmp_path / "scenes.md").read_text()


def row(text: str, arm: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(f"| {arm} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_differences_are_paired_by_seed(tmp_path: Path):
    control = [record("control", seed, 0.4 + seed / 10) for seed in (1, 2, 3)]
    direct = [record("direct", seed, 0.45 + seed / 10 + (seed == 3) / 100) for seed in (1, 2, 3)]
    page = text(tmp_path, control + direct)
    assert row(page, "control")[1:5] == ["3", "60.0 (35.2 to 84.8)", "", ""]
    assert row(page, "direct")[3] == "+5.3 (+3.9 to +6.8)"
    assert "untrained" not in page
    assert "mIoU 10.0 %" in page


def test_a_difference_whose_interval_holds_nothing_is_called_noise(tmp_path: Path):
    swaps = [record("direct", seed, 0.5 + seed / 100) for seed in (1, 2, 3)]
    without = [record("direct without KL", seed, 0.52) for seed in (1, 2, 3)]
    control = [record("control", seed, 0.3 + seed / 50) for seed in (1, 2, 3)]
    page = text(tmp_path, control + swaps + without)
    assert "direct minus direct without KL, seeds: 3). That cannot be told from noise." in page
    assert "patch swap adds to the classifier that a backbone begins as: not measured." in page


def test_images_and_seconds_of_the_classifier_are_shown(tmp_path: Path):
    arms = [record("control", 1, 0.5), record("transfer", 1, 0.6, before=1920)]
    page = text(tmp_path, arms)
    assert row(page, "transfer")[5:] == ["1,920", "15"]
    assert row(page, "control")[5:] == ["", "10"]
    assert row(page, "transfer")[3] == "+10.0"  # one seed: no interval


def test_records_are_kept_and_published_as_they_were(tmp_path: Path):
    one = record("direct without KL", 2, 0.512345)
    assert read(tmp_path / "runs", one.key) is None
    keep(tmp_path / "runs", one)
    assert read(tmp_path / "runs", one.key) == one
    publish(tmp_path / "scenes.json", found([one]))
    assert published(tmp_path / "scenes.json") == found([one])
