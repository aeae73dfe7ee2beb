"""Which requests share a batch, and that one's failure or leaving does no harm to the next."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from serve.batching import Batcher

MARGIN = 2


class SlowModel:
    """Answers each request with its own keypoints, once it is let go; notes its batches."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.batches: list[list[Any]] = []

    def __call__(self, items: Any) -> list[Any]:
        assert self.go.wait(10)
        self.batches.append([keypoints for _, keypoints in items])
        if "broken" in self.batches[-1]:
            raise ValueError("broken")
        return self.batches[-1]


def request(name: str, frames: int) -> Any:
    return SimpleNamespace(keypoints=name, frames=frames)


def lift_all(model: SlowModel, requests: list[Any], cancel: tuple[int, ...] = ()) -> list[Any]:
    """Sends the first request, then, while it is worked on, all the others."""

    async def run(worker: ThreadPoolExecutor) -> list[Any]:
        batcher = Batcher(model, 10, worker)
        served: Any = SimpleNamespace(cost=lambda request: request.frames + MARGIN)
        tasks = [asyncio.create_task(batcher.lift(served, requests[0]))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(batcher.lift(served, r)) for r in requests[1:]]
        await asyncio.sleep(0.05)
        for index in cancel:
            tasks[index].cancel()
        await asyncio.sleep(0)
        model.go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with ThreadPoolExecutor(1) as worker:
        return asyncio.run(run(worker))


def test_what_comes_while_the_model_works_is_one_batch() -> None:
    model = SlowModel()
    assert lift_all(model, [request(name, 1) for name in "abcd"]) == ["a", "b", "c", "d"]
    assert model.batches == [["a"], ["b", "c", "d"]]


def test_batches_end_at_the_limit_of_frames_and_keep_the_order() -> None:
    """Costs with the margin of 2: b 3, c 3, d 3 fill 9 of 10; e 3 opens the next."""
    model = SlowModel()
    lift_all(model, [request(name, 1) for name in "abcdef"])
    assert model.batches == [["a"], ["b", "c", "d"], ["e", "f"]]


def test_a_request_beyond_the_limit_goes_alone() -> None:
    model = SlowModel()
    lift_all(model, [request("a", 1), request("b", 1), request("long", 50), request("c", 1)])
    assert model.batches == [["a"], ["b"], ["long"], ["c"]]


def test_one_that_left_is_not_lifted() -> None:
    model = SlowModel()
    outcomes = lift_all(model, [request(name, 1) for name in "abc"], cancel=(1,))
    assert model.batches == [["a"], ["c"]]
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert (outcomes[0], outcomes[2]) == ("a", "c")


def test_a_failure_reaches_its_batch_only() -> None:
    model = SlowModel()
    requests = [request("a", 1), request("broken", 6), request("c", 9)]
    outcomes = lift_all(model, requests)
    assert (outcomes[0], outcomes[2]) == ("a", "c")
    with pytest.raises(ValueError, match="broken"):
        raise outcomes[1]
