"""A stream of frames, for asyncio."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import (
    Any,
    Callable,
)

import grpc

from ._errors import SiameseError, from_rpc, from_status
from ._gen.siamese.v1 import image_pb2, stream_pb2
from ._images import ImageLike, to_proto
from ._results import FrameResult, ReferenceResult
from ._session import Session, StreamWishes
from ._steps import Deadline, RetryPolicy


class AsyncCompareStream(AsyncIterator[FrameResult]):
    """Scores of frames, one :class:`FrameResult` a frame, in the order of the frames.

    As :class:`siamese_client.CompareStream`. Close it, or use it in an ``async with``
    statement, unless all results are taken. One task at a time may take results.
    """

    def __init__(
        self,
        begin: Callable[[float | None], Any],
        references: Mapping[str, ImageLike],
        frames: AsyncIterable[ImageLike] | Iterable[ImageLike],
        wishes: StreamWishes,
        retry: RetryPolicy | None,
        timeout: float | None,
    ) -> None:
        self._begin = begin
        self._session = Session(references, wishes, retry)
        self._frames = _asynchronous(frames)
        self._deadline = Deadline(timeout, None)
        self._results: deque[FrameResult] = deque()
        self._call: Any = None
        self._ending: Ending  # the call's
        self._sender: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()  # the session may have
        self._failure: BaseException | None = None  # what taking a frame raised
        self._taking: asyncio.Task[image_pb2.Image | None] | None = None
        self._done = False

    @property
    def references(self) -> Mapping[str, ReferenceResult]:
        """What became of the references, by name; complete once a result is there."""
        return self._session.references

    async def __anext__(self) -> FrameResult:
        while not self._results:
            if self._done:
                raise StopAsyncIteration
            try:
                await self._receive()
            except BaseException:
                await self.close()
                raise
        return self._results.popleft()

    async def close(self) -> None:
        """End the stream; frames under way are lost. It may be called more than once."""
        self._done = True
        await self._end_call()
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.wait([self._taking])
            self._taking = None

    async def __aenter__(self) -> AsyncCompareStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _end_call(self) -> None:
        """End the call and its sender; a frame that is being taken is for the next one."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        sender, self._sender = self._sender, None
        if sender is not None and sender is not asyncio.current_task():
            sender.cancel()
            await asyncio.wait([sender])

    async def _receive(self) -> None:
        """Take one message of the server, or the end of the call."""
        if self._call is None:
            self._call = self._begin(self._deadline.remaining())
            self._ending = Ending(self._call)
            self._sender = asyncio.create_task(self._send(self._call, self._session.opening()))
        try:
            response = await self._call.read()
            if response is grpc.aio.EOF:
                await self._ended(None)
                return
        except grpc.aio.AioRpcError as error:
            await self._ended(await self._ending.error(error))
        except asyncio.CancelledError:
            if self._failure is None:  # it is not the sender who cancelled the call
                raise
            await self._ended(None)
        else:
            self._results.extend(self._session.receive(response))
            self._changed.set()

    async def _ended(self, error: SiameseError | None) -> None:
        await self._end_call()
        if self._failure is not None:
            raise self._failure
        wait = self._session.ended(error)
        if wait is None:
            self._done = True
            return
        if not self._deadline.allows(wait):
            raise error or SiameseError(
                grpc.StatusCode.DEADLINE_EXCEEDED, "the stream's time is up"
            )
        await asyncio.sleep(wait)

    async def _send(self, call: Any, opening: list[stream_pb2.StreamCompareRequest]) -> None:
        """Send the messages of one call."""
        try:
            for i, message in enumerate(opening):
                # A call that is refused ends while nothing is being sent: see Ending.
                while self._session.answered < i:
                    await self._wait_for_change()
                await call.write(message)
            while await self._wait_for_room():
                frame = await self._take()
                if frame is None or self._session.draining:
                    break
                await call.write(self._session.frame(frame))
            await call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # the call has ended, which the receiver is told
        except Exception as failure:
            self._failure = failure
            call.cancel()

    async def _wait_for_room(self) -> bool:
        """Wait until a frame may be sent; False: no more on this call."""
        while not self._session.draining:
            if self._session.may_send:
                return True
            await self._wait_for_change()
        return False

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _take(self) -> image_pb2.Image | None:
        """Take the next frame, unless the stream is drained; None: there is none.

        It is taken in a task of its own, which outlives the call: a frame that comes when
        the call has ended is the next call's.
        """
        if self._taking is None:
            self._taking = asyncio.create_task(self._next_frame())
        while not self._taking.done() and not self._session.draining:
            self._changed.clear()
            told = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait({self._taking, told}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                told.cancel()
        if self._session.draining:
            return None
        taking, self._taking = self._taking, None
        return taking.result()

    async def _next_frame(self) -> image_pb2.Image | None:
        try:
            frame = await self._frames.__anext__()
        except StopAsyncIteration:
            self._session.exhausted = True
            return None
        return await asyncio.to_thread(to_proto, frame)


class Ending:
    """What ended a call, in the server's words.

    Where a call ends while a message is being sent, grpc.aio puts its own words, that it
    failed itself, in the place of the server's, before or after they came. So they are
    noted at the moment when they come, if they do.
    """

    _FAILED_ITSELF = (grpc.StatusCode.INTERNAL, "Internal error from Core")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._noted: SiameseError | None = None
        call.add_done_callback(self._note)

    def _note(self, call: Any) -> None:
        code, message = _at_once(call.code()), _at_once(call.details())
        if (code, message) != self._FAILED_ITSELF:
            self._noted = from_status(code, message, _at_once(call.trailing_metadata()))

    async def error(self, failure: grpc.aio.AioRpcError) -> SiameseError | None:
        """Turn gRPC's error into ours; None where the server ended the call with OK.

        It waits up to half a second for the server's words.
        """
        if (failure.code(), failure.details()) != self._FAILED_ITSELF:
            return from_rpc(failure)
        for _ in range(50):
            self._note(self._call)
            if self._noted is not None:
                break
            await asyncio.sleep(0.01)
        if self._noted is not None and self._noted.code is grpc.StatusCode.OK:
            return None
        return self._noted or SiameseError(
            grpc.StatusCode.UNAVAILABLE, "the stream ended while a frame was being sent"
        )


def _at_once(known: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns that has nothing to wait for; None where it has."""
    try:
        known.send(None)
    except StopIteration as done:
        return done.value
    known.close()
    return None


def _asynchronous(
    frames: AsyncIterable[ImageLike] | Iterable[ImageLike],
) -> AsyncIterator[ImageLike]:
    if isinstance(frames, AsyncIterable):
        return frames.__aiter__()

    async def each() -> AsyncIterator[ImageLike]:
        for frame in frames:
            yield frame

    return each().__aiter__()
