"""What a server tells of one request in many messages, for programs without asyncio."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Callable, Generic, TypeVar

import grpc

from . import _gallery_convert as convert
from ._errors import SiameseError, from_rpc, unexpected
from ._gallery_results import DuplicateGroup, DuplicatesDone, ReindexProgress
from ._gen.siamese.v1 import gallery_pb2
from ._steps import Attempts, Deadline, RetryPolicy

A = TypeVar("A")


class Reader(Generic[A]):
    """Reads the messages of one stream.

    Attributes:
        done: whether the last one was read.

    """

    done = False

    def read(self, message: Any) -> A | None:
        """Turn a message into an answer; None: it is none."""
        raise NotImplementedError


class DuplicatesReader(Reader[DuplicateGroup]):
    """Reads FindDuplicates; counts are None before the end."""

    counts: DuplicatesDone | None = None

    def read(self, message: gallery_pb2.FindDuplicatesResponse) -> DuplicateGroup | None:
        """Turn a message into a group; None: it is the end."""
        read = convert.duplicates(message)
        if isinstance(read, DuplicateGroup):
            return read
        self.counts, self.done = read, True
        return None


class ReindexReader(Reader[ReindexProgress]):
    """Reads Reindex."""

    def read(self, message: gallery_pb2.ReindexResponse) -> ReindexProgress:
        """Turn a message into progress."""
        self.done = message.done
        return convert.progress(message)


def ended_early() -> SiameseError:
    """Make the error for a stream that ends before its last message."""
    return unexpected("the end of the answers", "the message that says that they are all")


class AnswerStream(Iterator[A]):
    """What the server tells, as it comes; nothing is asked before the first is taken.

    Close it, or use it in a ``with`` statement, unless all is taken. One thread at a time
    may take. The call is made again, as others are, until the first answer has come.
    """

    def __init__(
        self,
        begin: Callable[[float | None], Any],
        reader: Reader[A],
        retry: RetryPolicy | None,
        timeout: float | None,
    ) -> None:
        self._begin = begin
        self._reader = reader
        self._attempts = Attempts(retry, Deadline(timeout, None))
        self._call: Any = None
        self._answered = False
        self._closed = False

    def __next__(self) -> A:
        try:
            while not (self._closed or self._reader.done):
                answer = self._receive()
                if answer is not None:
                    return answer
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def close(self) -> None:
        """End the call. It may be called more than once."""
        self._closed = True
        if self._call is not None:
            self._call.cancel()

    def __enter__(self) -> AnswerStream[A]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _receive(self) -> A | None:
        """Take one message; None: it is no answer, or the call is to be made again."""
        if self._call is None:
            self._call = self._begin(self._attempts.begin())
        try:
            message = next(self._call)
        except StopIteration:
            raise ended_early() from None
        except grpc.RpcError as failure:
            if self._closed:  # in another thread, meanwhile
                return None
            error = from_rpc(failure)
            if self._answered:
                raise error from None
            self._call = None
            time.sleep(self._attempts.wait(error))
            return None
        self._answered = True
        return self._reader.read(message)


class Duplicates(AnswerStream[DuplicateGroup]):
    """Groups of entries that are alike, the largest similarity first."""

    _reader: DuplicatesReader

    @property
    def done(self) -> DuplicatesDone | None:
        """How many entries were looked at, and groups found; None before the end."""
        return self._reader.counts

    def __enter__(self) -> Duplicates:
        return self


class Reindexing(AnswerStream[ReindexProgress]):
    """How far a reindex is, again and again; the work goes on where this is closed."""

    def __enter__(self) -> Reindexing:
        return self
