"""Two packs compared by the pixels of their images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import changes
from core.datasets.samples import Pack
from core.store import storage
from tests.data import packs

# An image by its shade, its label, its split; the first ones make every pack trainable.
ALWAYS = [(200, 0, 0), (201, 1, 0)]
Samples = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), st.integers(0, 2)), max_size=8)


def stored(folder: Path, name: str, chosen: list[tuple[int, int, int]]) -> Pack:
    images = [np.full((4, 4, 1), shade, np.uint8) for shade, _, _ in chosen]
    labels, splits = (np.array([one[place] for one in chosen]) for place in (1, 2))
    manifest = packs.write(folder / name, images, labels=labels, splits=splits)
    return Pack(manifest, storage.put_file(f"datasets/{name}/samples.arrow", folder / name / "samples.arrow").key)


@pytest.mark.usefixtures("environment")
def test_counts_agree_with_counting_by_hand(tmp_path: Path):
    @given(Samples, Samples)
    def check(old: list[tuple[int, int, int]], new: list[tuple[int, int, int]]) -> None:
        found = changes.between(stored(tmp_path, "old", ALWAYS + old), stored(tmp_path, "new", ALWAYS + new))
        before, after = (Counter(shade for shade, _, _ in one) for one in (old, new))
        counts = found.counts
        assert counts.added == sum((after - before).values())
        assert counts.removed == sum((before - after).values())
        assert counts.unchanged + counts.relabelled + counts.moved == 2 + sum((before & after).values())
        once = [shade for shade in before if before[shade] == after[shade] == 1]
        was, now = ({shade: (label, split) for shade, label, split in one} for one in (old, new))
        if len(once) == len(before & after):  # copies of an image have no identity
            assert counts.relabelled == sum(was[shade][0] != now[shade][0] for shade in once)
            moved = sum(was[shade][0] == now[shade][0] and was[shade][1] != now[shade][1] for shade in once)
            assert counts.moved == moved

    check()


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
@pytest.mark.usefixtures("environment")
def test_images_that_differ_are_described(tmp_path: Path):
    old = stored(tmp_path, "old", [*ALWAYS, (1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 1, 1)])
    new = stored(tmp_path, "new", [*ALWAYS, (2, 1, 0), (3, 1, 2), (4, 1, 1), (5, 0, 0)])
    found = changes.between(old, new)
    listed = changes.listed(found, old, new, limit=10)
    shown = [
        (one["change"], one["before"] and one["before"]["path"], one["after"] and one["after"]["path"])
        for one in listed
    ]
    assert shown == [
        ("removed", "2.png", None),
        ("added", None, "5.png"),
        ("relabelled", "3.png", "2.png"),
        ("moved", "4.png", "3.png"),
    ]
    assert changes.listed(found, old, new, limit=1) == listed[:1]
