"""Names of pictures that are one of several masks of another."""

import pytest

from ingest.layouts.mask_names import numbered


@pytest.mark.parametrize(
    ("path", "base", "picture"),
    [
        ("busi/benign (4)_mask_1.png", "busi/benign (4)_mask", "benign (4)"),
        ("busi/benign (4)_mask 12.png", "busi/benign (4)_mask", "benign (4)"),
        ("a/7_mask12.png", "a/7_mask", "7"),
        ("a/7-seg (2).png", "a/7-seg", "7"),
        ("a/7__gt_1.png", "a/7__gt", "7"),
        ("cells/7/masks/mask_3.png", "cells/7/masks/mask", None),
    ],
)
def test_the_number_of_a_mask_is_apart_from_its_picture(path: str, base: str, picture: str | None) -> None:
    assert numbered(path) == (base, picture)


@pytest.mark.parametrize("path", ["7_mask.png", "mask.png", "unmask7.png", "7_mask_2024.png", "7_mask_b.png", "7.png"])
def test_other_names_are_not_numbered_masks(path: str) -> None:
    assert numbered(path) is None
