"""What a server tells of one request in many messages, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Callable

import grpc

from ._answers import A, DuplicatesReader, Reader, ended_early
from ._errors import from_rpc
from ._gallery_results import DuplicateGroup, DuplicatesDone, ReindexProgress
from ._steps import Attempts, Deadline, RetryPolicy


class AsyncAnswerStream(AsyncIterator[A]):
    """What the server tells, as it comes; nothing is asked before the first is taken.

    As :class:`siamese_client.Duplicates` and :class:`siamese_client.Reindexing`. Close it,
    or use it in an ``async with`` statement, unless all is taken. One task at a time may
    take.
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

    async def __anext__(self) -> A:
        try:
            while not (self._closed or self._reader.done):
                answer = await self._receive()
                if answer is not None:
                    return answer
        except BaseException:
            await self.close()
            raise
        await self.close()
        raise StopAsyncIteration

    async def close(self) -> None:
        """End the call. It may be called more than once."""
        self._closed = True
        if self._call is not None:
            self._call.cancel()

    async def __aenter__(self) -> AsyncAnswerStream[A]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _receive(self) -> A | None:
        """Take one message; None: it is no answer, or the call is to be made again."""
        if self._call is None:
            self._call = self._begin(self._attempts.begin())
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as failure:
            error = from_rpc(failure)
            if self._answered:
                raise error from None
            self._call = None
            await asyncio.sleep(self._attempts.wait(error))
            return None
        if message is grpc.aio.EOF:
            raise ended_early()
        self._answered = True
        return self._reader.read(message)


class AsyncDuplicates(AsyncAnswerStream[DuplicateGroup]):
    """Groups of entries that are alike, the largest similarity first."""

    _reader: DuplicatesReader

    @property
    def done(self) -> DuplicatesDone | None:
        """How many entries were looked at, and groups found; None before the end."""
        return self._reader.counts

    async def __aenter__(self) -> AsyncDuplicates:
        return self


class AsyncReindexing(AsyncAnswerStream[ReindexProgress]):
    """How far a reindex is, again and again; the work goes on where this is closed."""

    async def __aenter__(self) -> AsyncReindexing:
        return self
