"""The calls of galleries, as generators of steps (see _steps)."""

from __future__ import annotations

from collections.abc import Iterable

from . import _gallery_convert as convert
from ._convert import sum_of, timings
from ._errors import unexpected
from ._gallery_results import (
    BatchEnrollment,
    EnrollResult,
    Entry,
    Gallery,
    Identification,
    NewEntry,
)
from ._gen.siamese.v1 import gallery_pb2
from ._images import ImageLike, to_proto
from ._operations import Calls, room
from ._parts import Splitter
from ._steps import Deadline, Operation, Work, call

# The calls with one request and one answer.
METHODS = (
    "CreateGallery",
    "GetGallery",
    "ListGalleries",
    "DeleteGallery",
    "BatchEnroll",
    "RemoveEntries",
    "GetEntry",
    "ListEntries",
    "Identify",
)


class GalleryCalls:
    """Makes the operations on galleries of one client. Safe for concurrent use."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._retry = calls.retry

    def create(
        self, request: gallery_pb2.CreateGalleryRequest, deadline: Deadline
    ) -> Operation[Gallery]:
        """Make a gallery."""
        reply = yield from call("CreateGallery", request, deadline, self._retry)
        return convert.gallery(reply.gallery)

    def get(self, gallery: str, deadline: Deadline) -> Operation[Gallery]:
        """Tell of one gallery."""
        request = gallery_pb2.GetGalleryRequest(gallery=gallery)
        reply = yield from call("GetGallery", request, deadline, self._retry)
        return convert.gallery(reply.gallery)

    def list(self, deadline: Deadline) -> Operation[tuple[Gallery, ...]]:
        """Tell of all galleries."""
        request = gallery_pb2.ListGalleriesRequest()
        reply = yield from call("ListGalleries", request, deadline, self._retry)
        return tuple(map(convert.gallery, reply.galleries))

    def delete(self, gallery: str, deadline: Deadline) -> Operation[int]:
        """Remove a gallery."""
        request = gallery_pb2.DeleteGalleryRequest(gallery=gallery)
        reply = yield from call("DeleteGallery", request, deadline, self._retry)
        return int(reply.entries)

    def enroll_batch(
        self, gallery: str, entries: Iterable[NewEntry], deadline: Deadline
    ) -> Operation[BatchEnrollment]:
        """Keep entries, however many, in as many calls as they need."""
        limits = yield from self._calls.limits_of(deadline)
        empty = gallery_pb2.BatchEnrollRequest(gallery=gallery)
        splitter = Splitter(map(convert.new_entry, entries), limits.max_images, room(limits, empty))
        answered = yield from self._calls.each("BatchEnroll", "entries", empty, splitter, deadline)
        results: dict[int, EnrollResult] = {
            large.index: EnrollResult(error=large.error("entries", limits.max_message_bytes))
            for large in splitter.too_large
        }
        for one in answered:
            for index, result in zip(one.part.indexes, one.reply.results):
                results[index] = convert.enroll_result(result, one.part.rename)
        return BatchEnrollment(
            results=tuple(results[i] for i in range(splitter.count)),
            timings=sum_of(timings(one.reply.timings) for one in answered),
        )

    def remove(
        self, gallery: str, ids: Iterable[str], things: Iterable[str], deadline: Deadline
    ) -> Operation[int]:
        """Remove entries."""
        for name, value in (("ids", ids), ("things", things)):
            if isinstance(value, str):  # each letter of it would be an id
                raise TypeError(f"received the text {value!r} as {name}, expected a list of them")
        request = gallery_pb2.RemoveEntriesRequest(gallery=gallery, ids=ids, things=things)
        reply = yield from call("RemoveEntries", request, deadline, self._retry)
        return int(reply.removed)

    def entry(self, request: gallery_pb2.GetEntryRequest, deadline: Deadline) -> Operation[Entry]:
        """Return one entry."""
        reply = yield from call("GetEntry", request, deadline, self._retry)
        if not reply.HasField("entry"):
            raise unexpected("an answer without its entry", "one")
        return convert.entry(reply.entry)

    def page(
        self, request: gallery_pb2.ListEntriesRequest, deadline: Deadline
    ) -> Operation[tuple[tuple[Entry, ...], str]]:
        """Return a page of entries, and the token of the next one; "" after the last."""
        reply = yield from call("ListEntries", request, deadline, self._retry)
        return tuple(map(convert.entry, reply.entries)), reply.next_page_token

    def identify(
        self, image: ImageLike, wishes: gallery_pb2.IdentifyRequest, deadline: Deadline
    ) -> Operation[Identification]:
        """Say which things an image may show."""

        def make() -> gallery_pb2.IdentifyRequest:
            request = gallery_pb2.IdentifyRequest(image=to_proto(image))
            request.MergeFrom(wishes)
            return request

        request = yield Work(make)
        reply = yield from call("Identify", request, deadline, self._retry)
        return convert.identification(reply)
