"""A stream of frames, for programs without asyncio."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Callable

import grpc

from ._errors import SiameseError, from_rpc
from ._gen.siamese.v1 import image_pb2, stream_pb2
from ._images import ImageLike, to_proto
from ._results import FrameResult, ReferenceResult
from ._session import Session, StreamWishes
from ._steps import Deadline, RetryPolicy


class CompareStream(Iterator[FrameResult]):
    """Scores of frames, one :class:`FrameResult` a frame, in the order of the frames.

    A frame that fails has its own error in its place, and the stream goes on. Close it, or
    use it in a ``with`` statement, unless all results are taken. One thread at a time may
    take results. When the server drains the stream, as it does before it stops, another
    one is opened with the same references, and no frame is lost.
    """

    def __init__(
        self,
        begin: Callable[[Iterator[stream_pb2.StreamCompareRequest], float | None], Any],
        references: Mapping[str, ImageLike],
        frames: Iterable[ImageLike],
        wishes: StreamWishes,
        retry: RetryPolicy | None,
        timeout: float | None,
    ) -> None:
        self._begin = begin
        self._session = Session(references, wishes, retry)
        self._frames = iter(frames)
        self._deadline = Deadline(timeout, None)
        self._results: deque[FrameResult] = deque()
        self._call: Any = None
        self._done = False
        # The sending thread of a call that has ended may still wait for a frame, so that
        # the next call's waits for it, and takes over what it got.
        self._source = threading.Lock()
        self._taken: deque[image_pb2.Image] = deque()
        # Guards the session and what follows; told of each change.
        self._changed = threading.Condition()
        self._running = 0  # the number of the call that runs; 0: none
        self._calls = 0
        self._failure: BaseException | None = None  # what taking a frame raised

    @property
    def references(self) -> Mapping[str, ReferenceResult]:
        """What became of the references, by name; complete once a result is there."""
        return self._session.references

    def __next__(self) -> FrameResult:
        while not self._results:
            if self._done:
                raise StopIteration
            try:
                self._receive()
            except BaseException:
                self.close()
                raise
        return self._results.popleft()

    def close(self) -> None:
        """End the stream; frames under way are lost. It may be called more than once."""
        self._done = True
        self._end_call()

    def __enter__(self) -> CompareStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _end_call(self) -> None:
        call = self._call
        with self._changed:
            self._running = 0
            self._changed.notify_all()
        if call is not None:
            call.cancel()

    def _receive(self) -> None:
        """Take one message of the server, or the end of the call."""
        if self._call is None:
            self._open()
        try:
            response = next(self._call)
        except StopIteration:
            self._ended(None)
        except grpc.RpcError as error:
            self._ended(from_rpc(error))
        else:
            with self._changed:
                self._results.extend(self._session.receive(response))
                self._changed.notify_all()

    def _open(self) -> None:
        with self._changed:
            opening = self._session.opening()
            self._calls += 1
            self._running = self._calls
        requests = self._requests(self._calls, opening)
        self._call = self._begin(requests, self._deadline.remaining())

    def _ended(self, error: SiameseError | None) -> None:
        self._end_call()
        self._call = None
        if self._done:  # closed meanwhile
            return
        with self._changed:
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
        time.sleep(wait)

    def _requests(
        self, call: int, opening: Iterable[stream_pb2.StreamCompareRequest]
    ) -> Iterator[stream_pb2.StreamCompareRequest]:
        """Give gRPC the messages of one call, in its own thread."""
        yield from opening
        while self._wait_for_room(call):
            try:
                message = self._next_message(call)
            except BaseException as failure:
                self._fail(failure)
                return
            if message is None:
                return
            yield message

    def _wait_for_room(self, call: int) -> bool:
        """Wait until a frame may be sent; False: no more on this call."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._running != call or self._session.draining or self._session.may_send
            )
            return self._running == call and not self._session.draining

    def _next_message(self, call: int) -> stream_pb2.StreamCompareRequest | None:
        """Take the next frame; None: there is none, or it is for the next call."""
        with self._source:
            image = self._taken.popleft() if self._taken else self._take()
            with self._changed:
                if image is None:
                    self._session.exhausted = True
                    return None
                if self._running != call or self._session.draining:
                    self._taken.append(image)
                    return None
                return self._session.frame(image)

    def _take(self) -> image_pb2.Image | None:
        for frame in self._frames:
            return to_proto(frame)
        return None

    def _fail(self, failure: BaseException) -> None:
        with self._changed:
            self._failure = failure
        self._end_call()
