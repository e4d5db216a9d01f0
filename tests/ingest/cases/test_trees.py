"""Trees and lists of public sets whose classes were once merged, cut or lost without a word."""

from pathlib import Path

import pytest

from tests.ingest.archives import folders
from tests.ingest.cases.labelled import classes, numbered, photos, read, refusal


def codes(result: object) -> dict[str, str]:
    return {finding.code: f"{finding.message} {finding.fix}" for finding in result.report.findings}  # type: ignore[attr-defined]


def test_a_copy_of_the_tree_within_itself_is_no_class(tmp_path: Path) -> None:
    files = folders({"yes": 8, "no": 8}) | folders({"yes": 8, "no": 8}, prefix="tumours/", start=100)
    result = read(files, tmp_path)
    assert classes(result) == {"yes", "no"}
    assert "tumours" in codes(result)["two_readings"]


def test_folders_called_after_their_class_are_pieces_of_it(tmp_path: Path) -> None:
    files = folders({f"{name}/{name}_{n}": 4 for name in ("mug", "bowl") for n in range(3)})
    assert classes(read(files, tmp_path)) == {"mug", "bowl"}


def test_spaces_around_the_names_of_folders_are_no_part_of_them(tmp_path: Path) -> None:
    files = folders({"cat ": 8, "dog ": 8}, prefix="train/") | folders({"cat": 8, "dog": 8}, prefix="test/", start=50)
    assert classes(read(files, tmp_path)) == {"cat", "dog"}


@pytest.mark.parametrize("twin", ["Sea lion", "sea_lion", "sea-lion", "SEA  LION"])
def test_names_that_differ_in_writing_only_are_said_with_the_command(twin: str, tmp_path: Path) -> None:
    files = folders({"sea lion": 8, "seal": 8}, prefix="train/") | folders(
        {twin: 8, "seal": 8}, prefix="train/", start=50
    )
    assert f"--map '{max('sea lion', twin)}=" in codes(read(files, tmp_path))["class_names_alike"]


def test_deeper_folders_of_one_class_are_named_as_another_reading(tmp_path: Path) -> None:
    files = folders({"a/abbey": 8, "b/bakery/indoor": 8, "b/bakery/shop": 8, "c/canyon": 8})
    assert "indoor, shop" in codes(read(files, tmp_path))["two_readings"]


@pytest.mark.parametrize("name", ["data/{}.jpg", "data/{}"])
def test_a_class_of_several_words_in_a_list_is_whole(name: str, tmp_path: Path) -> None:
    words = ("Cessna 172", "Cessna 208")
    lines = "\n".join(f"{name.format(n).removeprefix('data/')} {words[n % 2]}" for n in range(20))
    result = read(photos([f"data/{n}.jpg" for n in range(20)]) | {"data/labels.txt": lines.encode()}, tmp_path)
    assert classes(result) == set(words)


def test_corners_after_an_image_are_no_class(tmp_path: Path) -> None:
    boxes = "\n".join(f"{n}.png 1 2 {10 + n} 12" for n in range(20))
    words = "\n".join(f"{n}.png {('cat', 'dog')[n % 2]}" for n in range(20))
    files = photos(numbered("data/", 20)) | {"data/boxes.txt": boxes.encode(), "data/labels.txt": words.encode()}
    assert classes(read(files, tmp_path)) == {"cat", "dog"}


def test_numbers_of_a_list_get_the_words_of_the_file_names(tmp_path: Path) -> None:
    names = [f"images/{breed}_{n}.png" for breed in ("Bengal", "beagle") for n in range(10)]
    lines = "\n".join(f"{name[7:-4]} {1 + (name[7] == 'b')} 1 1" for name in names)
    result = read(photos(names) | {"annotations/list.txt": lines.encode()}, tmp_path)
    assert classes(result) == {"Bengal", "beagle"}
    assert {"classes_named", "columns_unused"} <= codes(result).keys()


def test_rival_lists_are_chosen_by_a_pattern(tmp_path: Path) -> None:
    names = numbered("data/", 24)
    files = photos(names)
    for kind, words in (("maker", ("Airbus", "Boeing")), ("variant", ("A300", "707"))):
        for split, part in (("train", names[:16]), ("test", names[16:])):
            lines = "\n".join(f"{name[5:]} {words[int(name[5:-4]) % 2]}" for name in part)
            files[f"data/images_{kind}_{split}.txt"] = lines.encode()
    assert "--labels-from 'data/images_variant_*.txt'" in refusal(read(files, tmp_path))
    result = read(files, tmp_path, labels_from="data/images_variant_*.txt")
    assert (classes(result), result.report.splits["test"]) == ({"A300", "707"}, 8)


def test_further_classes_of_a_list_give_way_to_the_folder(tmp_path: Path) -> None:
    files = folders({"banded": 10, "dotted": 10}, prefix="images/")
    lines = "\n".join(f"{path[7:]} {path.split('/')[1]} {'dotted' if '3' in path else ''}" for path in files)
    result = read(files | {"labels/joint.txt": lines.encode()}, tmp_path)
    assert classes(result) == {"banded", "dotted"}
    assert "2 labels" in codes(result)["labels_composite"]
