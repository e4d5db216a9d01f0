"""Which images meet: pairs of one class, equal shares, nothing but (seed, epoch) decides."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.specs import CrossEntropySpec, PatchSwapSpec, Plan
from contract.specs.methods import BakeSpec, DdgsdSpec, DlbSpec
from trainer.data.sampling import ClassIndex, Sampler

labels_of_splits = st.lists(st.integers(0, 6), min_size=1, max_size=80).map(lambda x: np.array(x, np.int64))
seeds, epochs = st.integers(0, 2**32 - 1), st.integers(0, 5)


def sampler(labels, *, seed=0, method=None, groups=4):
    method = method or PatchSwapSpec()
    plan = Plan(groups=groups, members=method.members, steps_per_epoch=max(1, len(labels) // groups), epochs=9)
    return Sampler(seed=seed, plan=plan, method=method, index=ClassIndex.of(labels))


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
    first, second = sampler(labels, seed=seed, method=CrossEntropySpec()).epoch(epoch)
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
    batches = [chosen.batch(step) for step in range(3)]
    np.testing.assert_array_equal(np.sort(np.concatenate([anchors for anchors, _ in batches])), np.arange(12))
    for anchors, partners in batches:
        np.testing.assert_array_equal(labels[anchors], labels[partners])


@given(labels_of_splits, seeds, epochs)
def test_partners_without_replacement_are_each_taken_once(labels, seed, epoch):
    method = PatchSwapSpec(pair_sampling="without_replacement")
    anchors, partners = sampler(labels, seed=seed, method=method).epoch(epoch)
    np.testing.assert_array_equal(np.sort(partners), np.arange(len(labels)))
    np.testing.assert_array_equal(labels[anchors], labels[partners])
    np.testing.assert_array_equal(anchors != partners, np.bincount(labels)[labels[anchors]] > 1)


@given(labels_of_splits, seeds, epochs, st.integers(2, 5))
def test_instances_share_the_class_and_differ_where_it_has_so_many(labels, seed, epoch, instances):
    columns = sampler(labels, seed=seed, method=BakeSpec(instances=instances)).epoch(epoch).T
    for column in columns:
        assert len(set(labels[column])) == 1
        assert len(set(column)) == min(instances, (labels == labels[column[0]]).sum())


@given(labels_of_splits, seeds, epochs)
def test_views_are_the_same_images_twice(labels, seed, epoch):
    first, second = sampler(labels, seed=seed, method=DdgsdSpec()).epoch(epoch)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first), np.arange(len(labels)))


@given(labels_of_splits.filter(lambda labels: len(labels) >= 4), seeds)
def test_previous_images_are_those_of_the_step_before_over_epochs_too(labels, seed):
    chosen = sampler(labels, seed=seed, method=DlbSpec())
    steps = [chosen.batch(step) for step in range(3 * chosen.plan.steps_per_epoch)]
    np.testing.assert_array_equal(steps[0][1], steps[0][0])
    for before, now in pairwise(steps):
        np.testing.assert_array_equal(now[1], before[0])


def balanced_sampler(labels, *, method=None, seed=0):
    plain = sampler(labels, seed=seed, method=method)
    return replace(plain, balanced=plain.index)


@given(labels_of_splits, seeds, epochs)
def test_the_balanced_sampler_draws_every_class_equally_often(labels, seed, epoch):
    first, second = balanced_sampler(labels, seed=seed, method=CrossEntropySpec()).epoch(epoch)
    for order in (first, second):
        assert len(order) == len(labels)
        drawn = np.bincount(labels[order])[np.unique(labels)]
        assert drawn.max() - drawn.min() <= 1
        for label in np.unique(labels):  # and within a class every image
            each = np.bincount(order[labels[order] == label], minlength=len(labels))[labels == label]
            assert each.max() - each.min() <= 1


@given(labels_of_splits, seeds, epochs)
def test_partners_of_balanced_anchors_share_their_class(labels, seed, epoch):
    for method in (PatchSwapSpec(), PatchSwapSpec(pair_sampling="without_replacement"), BakeSpec()):
        anchors, *others = balanced_sampler(labels, seed=seed, method=method).epoch(epoch)
        drawn = np.bincount(labels[anchors])[np.unique(labels)]
        assert drawn.max() - drawn.min() <= 1
        for partners in others:
            np.testing.assert_array_equal(labels[anchors], labels[partners])


@given(labels_of_splits, seeds, epochs)
def test_views_of_balanced_anchors_are_the_same_image_and_orders_repeat(labels, seed, epoch):
    first, second = balanced_sampler(labels, seed=seed, method=DdgsdSpec()).epoch(epoch)
    np.testing.assert_array_equal(first, second)
    again = balanced_sampler(labels, seed=seed, method=DdgsdSpec()).epoch(epoch)
    np.testing.assert_array_equal(again[0], first)


def test_the_step_before_of_a_balanced_order_is_what_that_step_drew():
    labels = np.array([0] * 10 + [1] * 2)
    found = balanced_sampler(labels, method=DlbSpec())
    steps = [found.batch(step) for step in range(6)]
    for before, after in pairwise(steps):
        np.testing.assert_array_equal(before[0], after[1])
