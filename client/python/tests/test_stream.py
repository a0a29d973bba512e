"""Streams of both clients on a service in this process."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from conftest import Connect, Service

import siamese_client as sc
from siamese_client._gen.siamese.v1 import stream_pb2

Served = tuple[Service, str]
FAST = sc.RetryPolicy(attempts=4, initial_delay=0.001, max_delay=0.01)
Message = stream_pb2.StreamCompareResponse


def answer(request: Any) -> Any:
    """Answer a message as the real server does; pictures that are b"bad" fail."""
    kind = request.WhichOneof("message")
    if kind == "opening":
        return Message(opened={"window": request.opening.window or 8, "threshold": 0.5})
    if kind == "set_reference":
        name = request.set_reference.name
        if request.set_reference.image.encoded == b"bad":
            return Message(item_failed={"reference": name, "error": {"code": 3, "reason": "R"}})
        return Message(reference_set={"name": name})
    index = request.frame.id
    if request.frame.image.encoded == b"bad":
        return Message(item_failed={"id": index, "error": {"code": 3, "reason": "R"}})
    scores = [{"reference": "cup", "similarity": request.frame.image.encoded[0] / 256}]
    return Message(frame_scored={"id": index, "scores": scores})


def echo(requests: Any, context: Any) -> Iterator[Any]:
    for request in requests:
        yield answer(request)


def told(result: sc.FrameResult) -> Any:
    """Shorten what became of a frame."""
    if result.error:
        return result.error.reason
    return "dropped" if result.dropped else result.scores[0].similarity * 256


def test_order_and_errors(service: Served, connect: Connect) -> None:
    fake, address = service
    fake.handlers["StreamCompare"] = echo
    frames = [b"bad" if i % 3 == 1 else bytes([i]) for i in range(50)]
    results, references = connect(address).stream({"cup": b"r", "pot": b"s"}, frames)
    assert [result.index for result in results] == list(range(50))
    assert [told(result) for result in results] == ["R" if i % 3 == 1 else i for i in range(50)]
    assert list(references) == ["cup", "pot"]
    assert results[0].threshold == 0.5


def test_no_frames(service: Served, connect: Connect) -> None:
    fake, address = service
    fake.handlers["StreamCompare"] = echo
    results, references = connect(address).stream({"cup": b"r"}, [])
    assert (results, references["cup"].error) == ([], None)


def test_bad_references(service: Served, connect: Connect) -> None:
    fake, address = service
    fake.handlers["StreamCompare"] = echo
    client = connect(address)
    with pytest.raises(sc.SiameseError, match="reference 'pot'"):
        client.stream({"cup": b"r", "pot": b"bad"}, [b"1"])
    results, references = client.stream(
        {"cup": b"r", "pot": b"bad"}, [b"1"], keep_bad_references=True
    )
    assert [told(result) for result in results] == [ord("1")]
    assert references["pot"].error.reason == "R"
    with pytest.raises(FileNotFoundError):
        client.stream({"cup": "no/such/file"}, [])


def test_window_bounds_what_is_taken(service: Served, connect: Connect) -> None:
    fake, address = service
    go_on = threading.Event()
    taken: list[int] = []
    unanswered: list[int] = []

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        for request in requests:
            if request.WhichOneof("message") != "frame":
                yield answer(request)
                continue
            if request.frame.id == 2:  # all three of the window have come
                go_on.set()
            assert go_on.wait(10) or request.frame.id < 3
            yield from held(request)

    waiting: list[Any] = []

    def held(request: Any) -> Iterator[Any]:
        waiting.append(request)
        if len(waiting) == 3 or request.frame.id == 9:
            unanswered.append(len(taken) - waiting[0].frame.id)
            while waiting:
                yield answer(waiting.pop(0))

    go_on.set()
    fake.handlers["StreamCompare"] = handle

    def frames() -> Iterator[bytes]:
        for i in range(10):
            taken.append(i)
            yield bytes([i])

    results, _ = connect(address).stream({"cup": b"r"}, frames(), window=3)
    assert [told(result) for result in results] == list(range(10))
    # The one that is held when all are full is not taken before there is room.
    assert max(unanswered) == 3


def test_dropped_frames(service: Served, connect: Connect) -> None:
    fake, address = service

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        for request in requests:
            if request.WhichOneof("message") == "opening":
                assert request.opening.drop_policy == stream_pb2.DROP_POLICY_LATEST
            if request.WhichOneof("message") == "frame" and request.frame.id in (1, 2):
                if request.frame.id == 2:
                    yield Message(frames_dropped={"ids": [1, 2]})
                continue
            yield answer(request)

    fake.handlers["StreamCompare"] = handle
    frames = [bytes([i]) for i in range(4)]
    results, _ = connect(address).stream({"cup": b"r"}, frames, window=1, drop=True)
    assert [told(result) for result in results] == [0, "dropped", "dropped", 3]


def test_draining_goes_on_elsewhere(service: Served, connect: Connect) -> None:
    fake, address = service

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        scored = 0
        for request in requests:
            yield answer(request)
            scored += request.WhichOneof("message") == "frame"
            if scored == 3:
                yield Message(draining={})

    fake.handlers["StreamCompare"] = handle
    results, _ = connect(address, retry=FAST).stream(
        {"cup": b"r"}, [bytes([i]) for i in range(20)], window=2
    )
    assert [told(result) for result in results] == list(range(20))
    assert len(fake.requests_of("StreamCompare")) > 3


def test_opening_is_tried_again(service: Served, connect: Connect) -> None:
    fake, address = service

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        if len(fake.requests) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not ready")
        yield from echo(requests, context)

    fake.handlers["StreamCompare"] = handle
    results, _ = connect(address, retry=FAST).stream({"cup": b"r"}, [b"1", b"2"])
    assert [result.index for result in results] == [0, 1]
    fake.requests.clear()
    with pytest.raises(sc.SiameseError, match="not ready"):
        connect(address, retry=None).stream({"cup": b"r"}, [b"1"])


@pytest.mark.parametrize("end", ["error", "ok", "wrong frame", "wrong message"])
def test_broken_streams(service: Served, connect: Connect, end: str) -> None:
    fake, address = service

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        for request in requests:
            if request.frame.id < 2:
                yield answer(request)
            elif end == "error":
                context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            elif end == "ok":
                return
            elif end == "wrong frame":
                yield Message(frame_scored={"id": 77})
            else:
                yield Message(reference_dropped={"name": "cup"})

    fake.handlers["StreamCompare"] = handle
    words = {
        "error": "gone",
        "ok": "the server ended the stream",
        "wrong frame": "the answer to frame 77, expected",
        "wrong message": "received reference_dropped",
    }
    # The second is all that grpc.aio may leave where the end comes while a frame is sent.
    racing = "|the stream ended while a frame was being sent"
    with pytest.raises(sc.SiameseError, match=words[end] + racing):
        connect(address, retry=FAST).stream({"cup": b"r"}, [b"1"] * 9)


def test_frames_that_cannot_be_had(service: Served, connect: Connect) -> None:
    fake, address = service
    fake.handlers["StreamCompare"] = echo

    def frames() -> Iterator[bytes]:
        yield b"1"
        raise LookupError("the camera is gone")

    client = connect(address)
    with pytest.raises(LookupError, match="the camera is gone"):
        client.stream({"cup": b"r"}, frames())
    with pytest.raises(FileNotFoundError):
        client.stream({"cup": b"r"}, [b"1", "no/such/file", b"2"])


def test_deadline_of_a_stream(service: Served, connect: Connect) -> None:
    fake, address = service
    left: list[float] = []

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        left.append(context.time_remaining())
        yield from echo(requests, context)

    fake.handlers["StreamCompare"] = handle
    connect(address).stream({"cup": b"r"}, [b"1"], timeout=50)
    assert 0 < left[0] < 55
    with pytest.raises(ValueError, match="window of -1"):
        connect(address).stream({"cup": b"r"}, [], window=-1)


def test_close_ends_it(service: Served) -> None:
    fake, address = service
    ended = threading.Event()

    def handle(requests: Any, context: Any) -> Iterator[Any]:
        context.add_callback(ended.set)
        yield from echo(requests, context)

    fake.handlers["StreamCompare"] = handle
    endless = iter(lambda: b"1", None)
    with sc.Client(address) as client:
        stream = client.stream({"cup": b"r"}, endless)
        assert next(stream).index == 0
        assert next(stream).index == 1
        stream.close()
        stream.close()
        assert list(stream) == []
        assert ended.wait(10)


def test_asynchronous_frames_and_cancel(service: Served) -> None:
    import asyncio

    fake, address = service
    fake.handlers["StreamCompare"] = echo
    closed: list[bool] = []

    async def frames() -> AsyncIterator[bytes]:
        try:
            for i in range(3):
                yield bytes([i])
            await asyncio.Event().wait()  # a camera that says no more
        finally:
            closed.append(True)

    async def run() -> list[int]:
        got: list[int] = []

        async def take(client: sc.AsyncClient) -> None:
            async for result in client.stream({"cup": b"r"}, frames()):
                got.append(result.index)
                if len(got) == 3:
                    all_there.set()

        all_there = asyncio.Event()
        async with sc.AsyncClient(address) as client:
            task = asyncio.create_task(take(client))
            await all_there.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return got

    assert asyncio.run(run()) == [0, 1, 2]
    assert closed == [True]
