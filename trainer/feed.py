"""The batches of a training run: pixels stay uint8 through gather, crop, flip and the method's own change.

A batch is a pure function of (seed, step), and so is each part of it, however a step is divided. Images that must be
decoded are fetched one step ahead by a thread.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from core.spec import Plan, ResolvedSpec, Split
from trainer import augment, randomness, sampling
from trainer.images import Images, open_images
from trainer.methods import Method
from trainer.methods.method import Batch, Draw
from trainer.pack import Pack
from trainer.parts import Part
from trainer.randomness import Stream


class Feed:
    def __init__(
        self, spec: ResolvedSpec, plan: Plan, *, pack: Pack, method: Method, device: torch.device, budget: int
    ) -> None:
        rows = pack.rows(Split.TRAIN)
        size = (spec.height, spec.width)
        self._spec, self._plan, self._method, self._device = spec, plan, method, device
        index = sampling.ClassIndex.of(pack.labels[rows])
        self._sampler = sampling.Sampler(seed=spec.seed, plan=plan, method=spec.method, index=index)
        self.images: Images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
        self._labels_N = torch.from_numpy(pack.labels[rows]).to(device)
        self._normalise = augment.Normalise(pack.manifest.mean, pack.manifest.std, device)
        self._ahead: dict[tuple[int, Part], Future[Tensor]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")

    def batch(self, step: int, part: Part) -> Batch:
        """A part of a step, its images as the method wants them."""
        plan, seed = self._plan, self._spec.seed
        positions_B = torch.from_numpy(self._positions(step, part)).to(self._device, non_blocking=True)
        images = augment.augment(
            self._fetch(step, part),
            self._spec.training.augmentation,
            randomness.generator(seed, Stream.AUGMENTATION, step),
            step=(plan.members, plan.groups),
            part=part.groups,
        )
        draw = Draw(randomness.generator(seed, Stream.OBJECTIVE, step), plan.groups, part.groups)
        self._method.prepare(images, draw)
        return Batch(
            images_BCHW=self._normalise(images),
            labels_B=self._labels_N[positions_B],
            positions_B=positions_B,
            members=plan.members,
            step=step,
            epoch=step / plan.steps_per_epoch,
            epochs=plan.epochs,
            part=part.number,
            draw=draw,
        )

    def _fetch(self, step: int, part: Part) -> Tensor:
        positions = self._positions(step, part)
        if self.images.resident:
            return self.images.fetch(positions)
        ahead = self._ahead.pop((step, part), None)
        if ahead is None:  # the first step, or steps are divided otherwise than before
            self._ahead.clear()
        images = ahead.result() if ahead else self.images.fetch(positions)
        if step + 1 < self._plan.steps:
            upcoming = self._positions(step + 1, part)
            self._ahead[step + 1, part] = self._thread.submit(self.images.fetch, upcoming)
        return images

    def _positions(self, step: int, part: Part) -> sampling.Indices:
        """Of the part's images: all first members, then all second ones."""
        return self._sampler.batch(step)[:, part.groups].reshape(-1)
