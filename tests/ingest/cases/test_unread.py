"""Files of kinds that are not read: named with a remedy, in refusals and beside what is read."""

from pathlib import Path

import pytest

from tests.ingest.archives import folders, npz, png, tarred
from tests.ingest.cases.labelled import NAMES, csv_of, parity, photos, read, refusal

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("cifar-10-batches-py/data_batch_1", "pickle", "numpy.savez"),
        ("train-images-idx3-ubyte", "IDX", "numpy.savez"),
        ("digits.h5", "HDF5", "numpy.savez"),
        ("mnist_train.csv", "Pixels in a table", "PNG"),
        ("train.7z", "archive within", "Unpack"),
        ("train.rar", "archive within", "Unpack"),
    ],
)
def test_archives_without_images_say_what_they_hold(name: str, what: str, remedy: str, tmp_path: Path) -> None:
    said = refusal(read({name: b"label,pixel0\n1,0\n"}, tmp_path))
    assert what in said
    assert remedy in said


def test_one_archive_within_is_to_be_pushed_itself_and_several_unpacked(tmp_path: Path) -> None:
    inner = tarred(folders({"a": 3}))
    assert "Upload 'set.tar.gz' itself" in refusal(read({"set.tar.gz": inner}, tmp_path))
    assert "Unpack them" in refusal(read({"a.tar.gz": inner, "b.tar.gz": inner}, tmp_path))


@pytest.mark.parametrize("name", ["lists/train_list.mat", "labels.xlsx", "test.tar.gz", "model.h5"])
def test_beside_classes_they_are_warned_of(name: str, tmp_path: Path) -> None:
    result = read(folders({"cat": 8, "dog": 8}) | {name: b"x"}, tmp_path)
    found = next(finding for finding in result.report.findings if finding.code == "kind_unread")
    assert (found.severity, found.path) == ("warning", name)


def test_arrays_in_a_zip_are_to_be_pushed_alone(tmp_path: Path) -> None:
    said = refusal(read({"pathmnist.npz": npz(images=[1]), "README.md": b"x"}, tmp_path))
    assert "Upload 'pathmnist.npz' itself" in said


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "file_empty", "empty"),
        (POINTER, "lfs_pointer", "git lfs pull"),
        (b"<!DOCTYPE html>", "not_an_image", "web page"),
    ],
)
def test_files_that_are_no_images_say_what_they_are(content: bytes, code: str, said: str, tmp_path: Path) -> None:
    result = read(folders({"cat": 15, "dog": 15}) | {"cat/1.png": content}, tmp_path)
    assert result.report.counts[code] == 1
    result = read(dict.fromkeys(folders({"cat": 15, "dog": 15}), content), tmp_path)
    assert said in refusal(result)


def test_words_in_texts_beside_images_are_no_boxes(tmp_path: Path) -> None:
    texts = {name.replace(".png", ".txt"): b"cat" for name in NAMES}
    said = refusal(read(photos(NAMES) | texts, tmp_path))
    assert "'cat'" in said
    assert "--task detection" not in said


def test_measures_are_no_classes(tmp_path: Path) -> None:
    rows = [f"{name},{n * 1.37 + 0.1:.3f}" for n, name in enumerate(NAMES)]
    assert "fractions" in refusal(read(photos(NAMES) | {"t.csv": csv_of("filename,label", rows)}, tmp_path))


def test_names_that_lead_nowhere_are_shown_beside_one_of_an_image(tmp_path: Path) -> None:
    rows = [f"{n},{('a', 'b')[n % 2]}" for n in range(40)]
    files = {f"images/{n:05}.png": png(n) for n in range(40)}
    said = refusal(read(files | {"t.csv": csv_of("id,label", rows)}, tmp_path))
    assert "'0'" in said
    assert "images/00000.png" in said


def test_images_that_a_table_of_the_test_lists_have_no_class(tmp_path: Path) -> None:
    labelled, rest = NAMES[:30], NAMES[30:]
    files = photos(NAMES) | {
        "train.csv": csv_of("image_id,label", parity(labelled)),
        "test.csv": csv_of("image_id", rest),
    }
    result = read(files, tmp_path)
    assert (result.report.accepted, result.report.counts["unlabelled_split"]) == (30, 10)


def test_the_remedy_of_a_refusal_is_that_of_the_commonest_fault(tmp_path: Path) -> None:
    files = photos(NAMES) | {"labels.csv": csv_of("filename,label", parity(NAMES[:30]))}
    assert "--unlabelled skip" in refusal(read(files, tmp_path))
    assert read(files, tmp_path, unlabelled="skip").report.accepted == 30


def test_images_without_a_suffix_are_to_be_given_one(tmp_path: Path) -> None:
    files = {name.removesuffix(".png"): content for name, content in folders({"cat": 8, "dog": 8}).items()}
    assert "such as .jpg" in refusal(read(files, tmp_path))
