"""Which images meet: pairs of one class, equal shares, nothing but (seed, epoch) decides."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.sampling import ClassIndex, Sampler

labels_of_splits = st.lists(st.integers(0, 6), min_size=1, max_size=80).map(lambda x: np.array(x, np.int64))
seeds, epochs = st.integers(0, 2**32 - 1), st.integers(0, 5)


def sampler(labels, *, seed=0, needs_pairs=True, pairs=4):
    return Sampler(seed=seed, pairs_per_batch=pairs, index=ClassIndex.of(labels), needs_pairs=needs_pairs)


@given(labels_of_splits, seeds, epochs)
def test_partners_share_the_class_and_differ_where_the_class_has_two(labels, seed, epoch):
    anchors, partners = sampler(labels, seed=seed).epoch(epoch)
    np.testing.assert_array_equal(labels[anchors], labels[partners])
    can_differ = np.bincount(labels)[labels[anchors]] > 1
    np.testing.assert_array_equal(anchors != partners, can_differ)


@given(labels_of_splits, seeds, epochs)
def test_each_image_is_an_anchor_once_an_epoch(labels, seed, epoch):
    np.testing.assert_array_equal(np.sort(sampler(labels, seed=seed).epoch(epoch)[0]), np.arange(len(labels)))


@given(labels_of_splits, seeds, epochs)
def test_without_pairs_each_image_is_seen_twice_an_epoch(labels, seed, epoch):
    first, second = sampler(labels, seed=seed, needs_pairs=False).epoch(epoch)
    for order in (first, second):
        np.testing.assert_array_equal(np.sort(order), np.arange(len(labels)))


@given(labels_of_splits, seeds, epochs)
def test_order_is_a_function_of_seed_and_epoch(labels, seed, epoch):
    np.testing.assert_array_equal(sampler(labels, seed=seed).epoch(epoch), sampler(labels, seed=seed).epoch(epoch))


def test_epochs_and_seeds_differ():
    labels = np.zeros(100, np.int64)
    orders = [sampler(labels, seed=seed).epoch(epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert not any(np.array_equal(a, b) for a, b in zip(orders, orders[1:] + orders[:1], strict=True))


def test_partners_are_uniform():
    index, random = ClassIndex.of(np.array([0] * 5 + [1] * 3)), np.random.default_rng(0)
    drawn = np.stack([index.partners(random) for _ in range(20_000)])
    shares = [np.bincount(drawn[:, position], minlength=8) / 20_000 for position in (0, 6)]
    np.testing.assert_allclose(shares[0], [0, 0.25, 0.25, 0.25, 0.25, 0, 0, 0], atol=0.02)
    np.testing.assert_allclose(shares[1], [0, 0, 0, 0, 0, 0.5, 0, 0.5], atol=0.02)


def test_batch_is_anchors_then_their_partners():
    labels = np.repeat([0, 1], 6)
    chosen = sampler(labels)
    order = chosen.epoch(0)
    batches = [chosen.batch(order, step) for step in range(3)]
    np.testing.assert_array_equal(np.sort(np.concatenate([b[:4] for b in batches])), np.arange(12))
    for batch in batches:
        np.testing.assert_array_equal(labels[batch[:4]], labels[batch[4:]])
