"""The batches of a training run: pixels stay uint8 through gather, crop, flip and the method's own change.

A batch is a pure function of (seed, step), and so is each part of it, however a step is divided. Images that must be
decoded are fetched one step ahead by a thread.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor

from contract.pack.manifest import Split
from contract.specs import Plan, ResolvedSpec
from contract.specs.normalisation import normalisation_of
from trainer.augmentation import closing
from trainer.data import randomness, sampling
from trainer.data.pack import Pack
from trainer.data.randomness import Stream
from trainer.data.sampling import ClassIndex
from trainer.data.tiles import DRAWS
from trainer.methods.method import Batch, Draw, Method
from trainer.tasks.protocol import Targets, Task, TiledSamples
from trainer.training.step_parts import Part


class Feed:
    def __init__(
        self,
        spec: ResolvedSpec,
        plan: Plan,
        *,
        task: Task,
        pack: Pack,
        method: Method,
        device: torch.device,
        budget: int,
    ) -> None:
        self._spec, self._plan, self._task, self._method, self._device = spec, plan, task, method, device
        index = task.kinship(pack)
        balanced = index if spec.training.class_balance == "sampler" and isinstance(index, ClassIndex) else None
        self._sampler = sampling.Sampler(seed=spec.seed, plan=plan, method=spec.method, index=index, balanced=balanced)
        self.samples = task.open_split(
            pack,
            Split.TRAIN,
            size=(spec.height, spec.width),
            normalisation=normalisation_of(spec, pack.manifest),
            device=device,
            budget=budget,
        )
        self._tiled = self.samples if isinstance(self.samples, TiledSamples) else None
        self._ahead: dict[tuple[int, Part], Future[tuple[Tensor, Targets]]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")

    def batch(self, step: int, part: Part) -> Batch:
        """A part of a step, its images as the method wants them."""
        plan, seed = self._plan, self._spec.seed
        positions_B = torch.from_numpy(self._positions(step, part)).to(self._device, non_blocking=True)
        images, targets = self._task.augment(
            *self._fetch(step, part),
            closing.at(self._spec.training.augmentation, step / plan.steps),
            randomness.generator(seed, Stream.AUGMENTATION, step),
            step=(plan.members, plan.groups),
            part=part.groups,
        )
        draw = Draw(randomness.generator(seed, Stream.OBJECTIVE, step), plan.groups, part.groups, step / plan.steps)
        self._method.prepare(images, targets, draw)
        return Batch(
            images_BCHW=self.samples.normalise(images),
            targets=targets,
            positions_B=positions_B,
            members=plan.members,
            step=step,
            epoch=step / plan.steps_per_epoch,
            epochs=plan.epochs,
            part=part.number,
            draw=draw,
        )

    def _fetch(self, step: int, part: Part) -> tuple[Tensor, Targets]:
        if self.samples.resident:
            return self._reading(step, part)()
        ahead = self._ahead.pop((step, part), None)
        if ahead is None:  # the first step, or steps are divided otherwise than before
            self._ahead.clear()
        found = ahead.result() if ahead else self._reading(step, part)()
        if step + 1 < self._plan.steps:
            self._ahead[step + 1, part] = self._thread.submit(self._reading(step + 1, part))
        return found

    def _reading(self, step: int, part: Part) -> Callable[[], tuple[Tensor, Targets]]:
        """What reads a part's images. Tiles are drawn for the whole step, however it is divided."""
        positions = self._positions(step, part)
        if self._tiled is None:
            return partial(self.samples.fetch, positions)
        shape = self._plan.members, self._plan.groups, DRAWS
        drawn = randomness.generator(self._spec.seed, Stream.TILES, step).random(shape)
        return partial(self._tiled.fetch_random, positions, drawn[:, part.groups].reshape(-1, DRAWS))

    def _positions(self, step: int, part: Part) -> sampling.Indices:
        """Of the part's images: all first members, then all second ones."""
        return self._sampler.batch(step)[:, part.groups].reshape(-1)
