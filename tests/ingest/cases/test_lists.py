"""Lists of images, of splits and of class names: what they say, and where they contradict."""

import json
from pathlib import Path

import pytest

from tests.ingest.archives import folders
from tests.ingest.cases.labelled import NAMES, Files, classes, csv_of, numbered, photos, read, refusal


@pytest.mark.parametrize("name", ["data/train/labels.txt", "data/labels.txt"])
@pytest.mark.parametrize("line", ["{} {}", "{}\t{}", "{}, {}", "{}\t{}\t0\t32\t44\t62"])
def test_lists_of_image_and_class(name: str, line: str, tmp_path: Path) -> None:
    paths = numbered("data/train/images/", 20)
    lines = "\n".join(line.format(path.rsplit("/", 1)[-1], n % 2) for n, path in enumerate(paths))
    result = read(photos(paths) | {name: lines.encode()}, tmp_path)
    assert classes(result) == {"0", "1"}
    assert result.report.layout == "list"


def test_imagenet_lists_call_folders_by_number(tmp_path: Path) -> None:
    training = [f"train/n0{n % 2}/im{n}.png" for n in range(20)]
    held_out = numbered("val/v", 6)
    lists = {
        "train.txt": "\n".join(f"{name.removeprefix('train/')} {n % 2}" for n, name in enumerate(training)).encode(),
        "val.txt": "\n".join(f"{name.removeprefix('val/')} {n % 2}" for n, name in enumerate(held_out)).encode(),
    }
    result = read(photos(training + held_out) | lists, tmp_path)
    assert classes(result) == {"n00", "n01"}
    assert result.report.amounts["val"] == {"n00": 3, "n01": 3}


def test_tiny_imagenet_names_the_classes_of_val_in_a_list(tmp_path: Path) -> None:
    training = [f"t/train/n0{n % 2}/images/n0{n % 2}_{n}.png" for n in range(20)]
    held_out, unlabelled = numbered("t/val/images/val_", 6), numbered("t/test/images/test_", 4)
    lines = "\n".join(f"val_{n}.png\tn0{n % 2}\t0\t0\t62\t62" for n in range(6))
    files = photos(training + held_out + unlabelled)
    result = read(files | {"t/val/val_annotations.txt": lines.encode(), "t/wnids.txt": b"n00\nn01"}, tmp_path)
    assert classes(result) == {"n00", "n01"}
    assert result.report.amounts["val"] == {"n00": 3, "n01": 3}
    assert result.report.skipped == 4


def test_split_lists_of_bare_paths_are_the_splits(tmp_path: Path) -> None:
    paths = [f"images/{'cat' if n % 2 else 'dog'}/{n}.png" for n in range(20)]
    lists = {"train.txt": paths[:12], "val.txt": paths[12:16], "test.txt": paths[16:]}
    files = photos(paths) | {name: "\n".join(f"./{path}" for path in listed).encode() for name, listed in lists.items()}
    result = read(files, tmp_path)
    assert result.report.splits == {"train": 12, "val": 4, "test": 4}
    assert classes(result) == {"cat", "dog"}


def test_an_image_on_two_split_lists_is_held_out_and_told(tmp_path: Path) -> None:
    paths = [f"{'cat' if n % 2 else 'dog'}/{n}.png" for n in range(20)]
    lists = {"train.txt": paths[:14], "test.txt": paths[12:]}
    files = photos(paths) | {name: "\n".join(listed).encode() for name, listed in lists.items()}
    result = read(
        files,
        tmp_path,
    )
    assert result.report.counts["in_several_splits"] == 2
    assert result.report.splits["test"] == 8


def test_a_list_of_train_and_val_together_contradicts_neither(tmp_path: Path) -> None:
    paths = [f"{'cat' if n % 2 else 'dog'}/{n}.png" for n in range(20)]
    lists = {"trainval.txt": paths[:14], "val.txt": paths[10:14], "test.txt": paths[14:]}
    files = photos(paths) | {name: "\n".join(listed).encode() for name, listed in lists.items()}
    result = read(files, tmp_path)
    assert result.report.splits == {"train": 10, "val": 4, "test": 6}
    assert "in_several_splits" not in result.report.counts


def test_split_folders_that_a_list_contradicts_are_told(tmp_path: Path) -> None:
    paths = [f"{'train' if n < 14 else 'test'}/{'cat' if n % 2 else 'dog'}/{n}.png" for n in range(20)]
    lists = {"train.txt": paths[2:], "test.txt": paths[:2]}
    files = photos(paths) | {name: "\n".join(listed).encode() for name, listed in lists.items()}
    result = read(files, tmp_path)
    assert result.report.counts["splits_contradict"] == 1
    assert result.report.splits["test"] == 2


@pytest.mark.parametrize(
    "words",
    [
        {"cat_to_name.json": b'{"1": "rose", "2": "lily"}'},
        {"labels.json": b'{"rose": 1, "lily": 2}'},
        {"classes.txt": b"rose\nlily\n"},
        {"classes.txt": b"1 rose\n2 lily\n"},
        {"names.csv": b"id,name\n1,rose\n2,lily\n"},
    ],
)
def test_numbered_folders_get_the_names_that_a_file_has_for_them(words: Files, tmp_path: Path) -> None:
    result = read(folders({"1": 9, "2": 9}) | words, tmp_path)
    assert classes(result) == {"rose", "lily"}
    assert result.report.counts["classes_named"] == 1


def test_numbers_of_a_table_get_names_by_the_list_that_counts_from_zero(tmp_path: Path) -> None:
    table = csv_of("id,label", [f"{name},{n % 2}" for n, name in enumerate(NAMES)])
    assert classes(read(photos(NAMES) | {"t.csv": table, "classes.txt": b"rose\nlily"}, tmp_path)) == {"rose", "lily"}


def test_names_that_do_not_fit_are_told_and_not_taken(tmp_path: Path) -> None:
    result = read(folders({"1": 9, "5": 9}) | {"classes.txt": b"rose\nlily\nfern\n"}, tmp_path)
    assert classes(result) == {"1", "5"}
    assert result.report.counts["classes_unnamed"] == 1


def test_lists_that_count_from_zero_and_from_one_are_the_same_folders(tmp_path: Path) -> None:
    files = folders({"glass": 12, "metal": 12})
    lists = {
        f"{name}.txt": "\n".join(f"{path} {first + at // 12}" for at, path in enumerate(files)).encode()
        for name, first in (("one-indexed", 1), ("zero-indexed", 0))
    }
    assert classes(read(files | lists, tmp_path)) == {"glass", "metal"}


def test_of_several_sets_of_split_lists_the_first_is_read_and_told(tmp_path: Path) -> None:
    files = folders({"banded": 15, "dotted": 15})
    lists = {
        f"labels/{split}{fold}.txt": "\n".join(
            path for at, path in enumerate(files) if (at + fold) % 3 == part
        ).encode()
        for fold in (1, 2)
        for part, split in enumerate(("train", "val", "test"))
    }
    result = read(files | lists, tmp_path)
    assert result.report.splits == {"train": 10, "val": 10, "test": 10}
    assert result.report.counts["two_readings"] == 1


def test_splits_of_images_that_lists_call_by_number(tmp_path: Path) -> None:
    """CUB-200: `images.txt` and `train_test_split.txt`."""
    paths = [f"CUB/images/00{1 + n // 12}.{'tern' if n < 12 else 'wren'}/bird_{n:04}_{n}.png" for n in range(24)]
    lists = {
        "CUB/images.txt": "\n".join(f"{n + 1} {path.removeprefix('CUB/images/')}" for n, path in enumerate(paths)),
        "CUB/train_test_split.txt": "\n".join(f"{n + 1} {int(n % 4 > 0)}" for n in range(24)),
        "CUB/image_class_labels.txt": "\n".join(f"{n + 1} {1 + n // 12}" for n in range(24)),
        "CUB/classes.txt": "1 001.tern\n2 002.wren\n",
    }
    result = read(photos(paths) | {name: text.encode() for name, text in lists.items()}, tmp_path)
    assert classes(result) == {"001.tern", "002.wren"}
    assert result.report.splits["test"] == 6


def test_a_list_of_images_and_their_masks_names_no_classes(tmp_path: Path) -> None:
    """SegNet's CamVid: `train/1.png trainannot/1.png` a line."""
    files = photos(numbered("train/", 12) + numbered("trainannot/", 12))
    listed = "\n".join(f"/data/train/{n}.png /data/trainannot/{n}.png" for n in range(12)).encode()
    assert "trainannot/1.png" not in refusal(read(files | {"train.txt": listed}, tmp_path))


def test_names_for_numbers_are_no_labels_of_images_called_by_numbers(tmp_path: Path) -> None:
    """Cassava: `{"0": "blight"}` names the class 0, not the image 0.png."""
    names = numbered("images/", 24)
    table = csv_of("image_id,label", [f"{n}.png,{n % 2}" for n in range(24)])
    words = json.dumps({"0": "blight", "1": "healthy"}).encode()
    result = read(photos(names) | {"train.csv": table, "label_map.json": words}, tmp_path)
    assert classes(result) == {"blight", "healthy"}
