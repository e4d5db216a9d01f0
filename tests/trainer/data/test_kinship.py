"""Partners share a class that is not the background; who shares none is alone."""

import numpy as np
import pytest

from trainer.data.kinship import SharedClasses

SHOWN = [{1}, {1, 2}, {2}, {3}, set(), {2, 4}]  # 3 is shown once, 4 too; the fifth image shows nothing


@pytest.fixture
def kin() -> SharedClasses:
    owner = [place for place, classes in enumerate(SHOWN) for _ in classes]
    return SharedClasses.of(np.array(owner), np.array([c for classes in SHOWN for c in sorted(classes)]), images=6)


def test_partners_share_a_class_and_are_another_image_where_one_is(kin: SharedClasses):
    random = np.random.default_rng(0)
    met: list[set[int]] = [set() for _ in SHOWN]
    for _ in range(200):
        for place, partner in enumerate(kin.partners(random).tolist()):
            met[place].add(partner)
    assert met[:3] == [{1}, {0, 2, 5}, {1, 5}]
    assert met[3:5] == [{3}, {4}]  # nobody shares
    assert met[5] == {1, 2, 5}  # itself only when the class that nobody shares was drawn


def test_mates_share_a_class_and_are_taken_once(kin: SharedClasses):
    random = np.random.default_rng(0)
    for _ in range(50):
        [mates] = kin.mates(random, 1)
        assert sorted(mates.tolist()) == list(range(6))
        for place, mate in enumerate(mates.tolist()):
            assert place == mate or SHOWN[place] & SHOWN[mate]


def test_images_that_show_nothing_at_all_have_no_partner():
    none = SharedClasses.of(np.array([], np.int64), np.array([], np.int64), images=3)
    assert none.partners(np.random.default_rng(0)).tolist() == [0, 1, 2]
    assert len(none) == 3
