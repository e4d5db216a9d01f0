"""The batches of a training run: pixels stay uint8 through gather, crop, flip and the objective's own change.

A batch is a pure function of (seed, step). Images that must be decoded are fetched one step ahead by a thread.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from core.spec import Plan, ResolvedSpec, Split
from trainer import augment, randomness, sampling
from trainer.images import Images, open_images
from trainer.methods import Objective
from trainer.pack import Pack
from trainer.tasks import classification


class Feed:
    def __init__(
        self, spec: ResolvedSpec, plan: Plan, *, pack: Pack, objective: Objective, device: torch.device, budget: int
    ) -> None:
        rows = pack.rows(Split.TRAIN)
        size = (spec.height, spec.width)
        self._spec, self._plan, self._objective = spec, plan, objective
        self._sampler = sampling.Sampler(
            seed=spec.seed,
            pairs_per_batch=plan.pairs,
            index=sampling.ClassIndex.of(pack.labels[rows]),
            needs_pairs=objective.needs_pairs,
        )
        self.images: Images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
        self._labels = classification.Labels(pack.labels[rows], device)
        self._normalise = augment.Normalise(pack.manifest.mean, pack.manifest.std, device)
        self._epoch, self._order = -1, np.empty((2, 0), np.int64)
        self._ahead: tuple[int, Future[Tensor]] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The float images (B, C, H, W), channels last, and the labels (B,) of a step."""
        positions = self._positions(step)
        images = self._fetch(step)
        random = randomness.generator(self._spec.seed, randomness.Stream.AUGMENTATION, step)
        images = augment.augment(images, self._spec.training.augmentation, random)
        self._objective.prepare(images, randomness.generator(self._spec.seed, randomness.Stream.OBJECTIVE, step))
        return self._normalise(images), self._labels.fetch(positions)

    def _fetch(self, step: int) -> Tensor:
        if self.images.resident:
            return self.images.fetch(self._positions(step))
        ahead, self._ahead = self._ahead, None
        images = ahead[1].result() if ahead and ahead[0] == step else self.images.fetch(self._positions(step))
        if step + 1 < self._plan.steps:
            self._ahead = (step + 1, self._thread.submit(self.images.fetch, self._positions(step + 1)))
        return images

    def _positions(self, step: int) -> sampling.Indices:
        epoch, step_in_epoch = divmod(step, self._plan.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._sampler.epoch(epoch)
        return self._sampler.batch(self._order, step_in_epoch)
