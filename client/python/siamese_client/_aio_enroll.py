"""The stream of entries to enroll, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, Callable

import grpc

from . import _gallery_convert as convert
from ._aio_stream import Ending
from ._errors import SiameseError, unexpected
from ._gallery_results import Enrollment, NewEntry
from ._gen.siamese.v1 import gallery_pb2
from ._steps import Attempts

Entries = AsyncIterator[gallery_pb2.NewEntry]


class AsyncSending:
    """Entries of one gallery on their way; the server's answer says what became of them.

    A call can be made again until a second entry is taken: the first is kept.
    """

    def __init__(
        self,
        begin: Callable[[float | None], Any],
        gallery: str,
        entries: AsyncIterable[NewEntry] | Iterable[NewEntry],
    ) -> None:
        self._begin = begin
        self._gallery = gallery
        self._entries = _messages(entries)
        self._taking = 0  # how many entries were taken, or are being
        self._first: gallery_pb2.NewEntry | None = None
        self._failure: Exception | None = None  # what taking an entry raised

    async def run(self, attempts: Attempts) -> Enrollment:
        """Make the call, and again where that may be."""
        while True:
            try:
                return convert.enrollment(await self._once(attempts.begin()))
            except SiameseError as error:
                kept = self._taking == 1 and self._first is not None
                if error is self._failure or not (self._taking == 0 or kept):
                    raise
                wait = attempts.wait(error)
            await asyncio.sleep(wait)

    async def _once(self, left: float | None) -> Any:
        call = self._begin(left)
        ending = Ending(call)
        sender = asyncio.create_task(self._send(call))
        try:
            return await call
        except grpc.aio.AioRpcError as failure:
            error = await ending.error(failure)
            raise error or unexpected("no answer to Enroll", "one") from None
        except asyncio.CancelledError:
            if self._failure is None:  # it is not the sender who cancelled the call
                raise
            raise self._failure from None
        finally:
            call.cancel()
            sender.cancel()
            await asyncio.wait([sender])

    async def _send(self, call: Any) -> None:
        """Send the messages of one call."""
        try:
            await call.write(gallery_pb2.EnrollRequest(gallery=self._gallery))
            if self._first is not None:
                await call.write(gallery_pb2.EnrollRequest(entry=self._first))
            while True:
                self._taking += 1
                message = await _next(self._entries)
                if message is None:
                    break
                self._first = message if self._taking == 1 else None
                await call.write(gallery_pb2.EnrollRequest(entry=message))
            await call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # the call has ended, which the receiver is told
        except Exception as failure:
            self._failure = failure
            call.cancel()


async def _next(entries: Entries) -> gallery_pb2.NewEntry | None:
    """Take the next message; None: there is none."""
    try:
        return await entries.__anext__()
    except StopAsyncIteration:
        return None


async def _messages(entries: AsyncIterable[NewEntry] | Iterable[NewEntry]) -> Entries:
    """Make messages of entries; files are read, and ordinary iterables taken, in threads."""
    if isinstance(entries, AsyncIterable):
        async for entry in entries:
            yield await asyncio.to_thread(convert.new_entry, entry)
        return
    each = map(convert.new_entry, entries)
    while True:
        message = await asyncio.to_thread(next, each, None)
        if message is None:
            return
        yield message
