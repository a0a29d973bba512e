"""The stream of entries to enroll, for programs without asyncio."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Callable

import grpc

from . import _gallery_convert as convert
from ._errors import from_rpc
from ._gallery_results import Enrollment, NewEntry
from ._gen.siamese.v1 import gallery_pb2
from ._steps import Attempts


class Sending:
    """Entries of one gallery on their way; the server's answer says what became of them.

    gRPC takes messages in a thread of its own, which may still run when its call has
    ended. A call can be made again until a second entry is taken: the first is kept.
    """

    def __init__(
        self,
        begin: Callable[[Iterator[gallery_pb2.EnrollRequest], float | None], Any],
        gallery: str,
        entries: Iterable[NewEntry],
    ) -> None:
        self._begin = begin
        self._gallery = gallery
        self._messages = map(convert.new_entry, entries)
        # Guards what follows. It is not held while an entry is taken.
        self._lock = threading.Lock()
        self._running = 0  # the number of the call that may take entries
        self._taking = 0  # how many entries were taken, or are being
        self._first: gallery_pb2.NewEntry | None = None
        self._failure: BaseException | None = None  # what taking an entry raised
        self._call: Any = None

    def run(self, attempts: Attempts) -> Enrollment:
        """Make the call, and again where that may be."""
        while True:
            try:
                return convert.enrollment(self._once(attempts.begin()))
            except grpc.RpcError as failure:
                if failure is self._failure:  # the caller's own
                    raise
                error = from_rpc(failure)
            if not self._stop():
                raise error
            time.sleep(attempts.wait(error))

    def _once(self, left: float | None) -> Any:
        with self._lock:
            self._running += 1
            self._call = self._begin(self._requests(self._running), left)
        try:
            return self._call.result()
        except grpc.FutureCancelledError:
            if self._failure is None:
                raise
            raise self._failure from None
        finally:
            self._call.cancel()

    def _stop(self) -> bool:
        """Let the call that has ended take nothing more; report whether to make another."""
        with self._lock:
            self._running += 1
            return self._taking == 0 or (self._taking == 1 and self._first is not None)

    def _requests(self, call: int) -> Iterator[gallery_pb2.EnrollRequest]:
        """Give gRPC the messages of one call, in its own thread."""
        yield gallery_pb2.EnrollRequest(gallery=self._gallery)
        if self._first is not None:
            yield gallery_pb2.EnrollRequest(entry=self._first)
        while self._may_take(call):
            try:
                message = next(self._messages, None)
            except BaseException as failure:
                self._fail(failure)
                return
            if message is None:
                return
            with self._lock:
                self._first = message if self._taking == 1 else None
            yield gallery_pb2.EnrollRequest(entry=message)

    def _may_take(self, call: int) -> bool:
        with self._lock:
            if self._running != call:
                return False
            self._taking += 1
            return True

    def _fail(self, failure: BaseException) -> None:
        with self._lock:  # until the call is known
            self._failure = failure
            self._call.cancel()
