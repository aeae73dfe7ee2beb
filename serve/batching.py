"""Requests that came while the model worked are lifted together as soon as it is free.

Deviation from `@serve.batch`: that one closes a batch by the clock, also while the batch before it
still runs: without a wait its batches stay small under load (measured: down to a third of the
throughput), and with one each request waits even when the model is idle.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from monopose.inference.predictor import Estimate, Keypoints2d
from serve.lift_request import LiftRequest
from serve.served_models import ServedModel

Items = Sequence[tuple[ServedModel, Keypoints2d]]
LiftAll = Callable[[Items], list[Estimate]]


class Pending:
    """A checked request that waits for its batch, and for its estimate."""

    __slots__ = ("cost", "estimate", "item")

    def __init__(self, model: ServedModel, request: LiftRequest) -> None:
        self.item = (model, request.keypoints)
        self.cost = model.cost(request)
        self.estimate = asyncio.get_running_loop().create_future()


class Batcher:
    """Lifts in batches of at most `max_frames` (a longer request goes alone), oldest first.

    The model works in `worker`, a thread of its own, while the event loop goes on.
    """

    def __init__(self, lift: LiftAll, max_frames: int, worker: ThreadPoolExecutor) -> None:
        self._lift = lift
        self._max_frames = max_frames
        self._worker = worker
        self._waiting: deque[Pending] = deque()
        self._task: asyncio.Task[None] | None = None

    async def lift(self, model: ServedModel, request: LiftRequest) -> Estimate:
        """Poses of one request; raises what the model raised for its batch."""
        pending = Pending(model, request)
        self._waiting.append(pending)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await pending.estimate

    async def _work(self) -> None:
        # What arrived in the same turn of the loop joins the first batch.
        await asyncio.sleep(0)
        while batch := self._next():
            await self._lift_batch(batch)
        self._task = None

    def _next(self) -> list[Pending]:
        batch: list[Pending] = []
        frames = 0
        while self._waiting and (not batch or frames + self._waiting[0].cost <= self._max_frames):
            pending = self._waiting.popleft()
            if not pending.estimate.cancelled():
                batch.append(pending)
                frames += pending.cost
        return batch

    async def _lift_batch(self, batch: list[Pending]) -> None:
        loop = asyncio.get_running_loop()
        items = [pending.item for pending in batch]
        try:
            estimates = await loop.run_in_executor(self._worker, self._lift, items)
        except Exception as error:
            for pending in batch:
                if not pending.estimate.done():
                    pending.estimate.set_exception(error)
            return
        for pending, estimate in zip(batch, estimates, strict=True):
            if not pending.estimate.done():
                pending.estimate.set_result(estimate)
