"""The calls of galleries, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Mapping
from typing import Any, Protocol

from ._aio_answers import AsyncDuplicates, AsyncReindexing
from ._aio_enroll import AsyncSending
from ._answers import DuplicatesReader, ReindexReader
from ._gallery_calls import GalleryCalls
from ._gallery_results import (
    BatchEnrollment,
    Enrollment,
    Entry,
    Gallery,
    Identification,
    NewEntry,
)
from ._gen.siamese.v1 import gallery_pb2
from ._images import ImageLike
from ._operations import Calls
from ._steps import Attempts, Deadline, Operation, T, check_timeout


class AsyncRun(Protocol):
    """Carries out an operation: ``AsyncClient``'s own."""

    def __call__(self, operation: Operation[T], /) -> Awaitable[T]:
        """Return what comes of it."""
        ...


class AsyncGalleries:
    """Keeps pictures of things under names, and says which of them a picture shows.

    ``AsyncClient.galleries`` is one. The calls are those of
    :class:`siamese_client.Galleries`, where their arguments, results and errors are told;
    iterables are taken, and files read, in threads.
    """

    def __init__(
        self,
        stub: Any,  # GalleryServiceStub, whose methods have no types
        metadata: tuple[tuple[str, str], ...],
        calls: Calls,
        run: AsyncRun,
    ) -> None:
        self._service = stub
        self._metadata = metadata
        self._calls = calls
        self._operations = GalleryCalls(calls)
        self._run = run

    async def create(
        self,
        gallery: str,
        *,
        model: str = "",
        keep_pictures: bool = False,
        keep_thumbnails: bool = False,
        timeout: float | None = None,
    ) -> Gallery:
        """Make an empty gallery, or return that of the same name and choices."""
        request = gallery_pb2.CreateGalleryRequest(
            gallery=gallery,
            model=model,
            keep_pictures=keep_pictures,
            keep_thumbnails=keep_thumbnails,
        )
        return await self._run(self._operations.create(request, self._deadline(timeout)))

    async def get(self, gallery: str, *, timeout: float | None = None) -> Gallery:
        """Tell of one gallery."""
        return await self._run(self._operations.get(gallery, self._deadline(timeout)))

    async def list(self, *, timeout: float | None = None) -> tuple[Gallery, ...]:
        """Tell of all galleries that the caller may read, by name."""
        return await self._run(self._operations.list(self._deadline(timeout)))

    async def delete(self, gallery: str, *, timeout: float | None = None) -> int:
        """Remove a gallery with all that it holds; return how many entries that were."""
        return await self._run(self._operations.delete(gallery, self._deadline(timeout)))

    async def enroll(
        self,
        gallery: str,
        entries: AsyncIterable[NewEntry] | Iterable[NewEntry],
        *,
        timeout: float | None = None,
    ) -> Enrollment:
        """Keep any number of entries in one call, as fast as the server encodes them."""
        attempts = Attempts(self._calls.retry, Deadline(check_timeout(timeout), None))

        def begin(left: float | None) -> Any:
            return self._service.Enroll(timeout=left, metadata=self._metadata)

        return await AsyncSending(begin, gallery, entries).run(attempts)

    async def enroll_batch(
        self, gallery: str, entries: Iterable[NewEntry], *, timeout: float | None = None
    ) -> BatchEnrollment:
        """Keep entries and tell of each: a list over the server's limits goes in several calls."""
        deadline = self._deadline(timeout)
        return await self._run(self._operations.enroll_batch(gallery, entries, deadline))

    async def remove(
        self,
        gallery: str,
        *,
        ids: Iterable[str] = (),
        things: Iterable[str] = (),
        timeout: float | None = None,
    ) -> int:
        """Remove entries by their ids, and all of some things; return how many went."""
        deadline = self._deadline(timeout)
        return await self._run(self._operations.remove(gallery, ids, things, deadline))

    async def entry(
        self,
        gallery: str,
        id: str,
        *,
        include_thumbnail: bool = False,
        include_picture: bool = False,
        include_embedding: bool = False,
        timeout: float | None = None,
    ) -> Entry:
        """Return one entry, with its large parts where they are asked for, and kept."""
        request = gallery_pb2.GetEntryRequest(
            gallery=gallery,
            id=id,
            include_thumbnail=include_thumbnail,
            include_picture=include_picture,
            include_embedding=include_embedding,
        )
        return await self._run(self._operations.entry(request, self._deadline(timeout)))

    def entries(
        self,
        gallery: str,
        *,
        filter: Mapping[str, str] | None = None,
        thing: str = "",
        stale_only: bool = False,
        include_thumbnails: bool = False,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncIterator[Entry]:
        """Yield entries in the order of their ids, by bytes; pages are asked for as needed."""
        deadline = self._deadline(timeout)
        request = gallery_pb2.ListEntriesRequest(
            gallery=gallery,
            filter=filter,
            thing=thing,
            stale_only=stale_only,
            include_thumbnails=include_thumbnails,
            page_size=page_size,
        )

        async def pages() -> AsyncIterator[Entry]:
            more = True
            while more:
                operation = self._operations.page(request, deadline)
                page, request.page_token = await self._run(operation)
                for entry in page:
                    yield entry
                more = bool(request.page_token)

        return pages()

    async def identify(
        self,
        gallery: str,
        image: ImageLike,
        *,
        top_k: int = 0,
        min_similarity: float = 0.0,
        filter: Mapping[str, str] | None = None,
        threshold: float | None = None,
        include_thumbnails: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> Identification:
        """Say which things of a gallery an image may show, best first."""
        request = gallery_pb2.IdentifyRequest(
            gallery=gallery,
            top_k=top_k,
            min_similarity=min_similarity,
            filter=filter,
            threshold=threshold,
            include_thumbnails=include_thumbnails,
            test_time_views=test_time_views,
        )
        return await self._run(self._operations.identify(image, request, self._deadline(timeout)))

    def duplicates(
        self,
        gallery: str,
        *,
        threshold: float | None = None,
        filter: Mapping[str, str] | None = None,
        across_things: bool = False,
        timeout: float | None = None,
    ) -> AsyncDuplicates:
        """Find groups of entries that are alike; see :class:`AsyncDuplicates`."""
        request = gallery_pb2.FindDuplicatesRequest(
            gallery=gallery, threshold=threshold, filter=filter, across_things=across_things
        )

        def begin(left: float | None) -> Any:
            return self._service.FindDuplicates(request, timeout=left, metadata=self._metadata)

        return AsyncDuplicates(begin, DuplicatesReader(), self._calls.retry, check_timeout(timeout))

    def reindex(
        self, gallery: str, *, model: str = "", timeout: float | None = None
    ) -> AsyncReindexing:
        """Move a gallery to its model as it is now, or to another one."""
        request = gallery_pb2.ReindexRequest(gallery=gallery, model=model)

        def begin(left: float | None) -> Any:
            return self._service.Reindex(request, timeout=left, metadata=self._metadata)

        return AsyncReindexing(begin, ReindexReader(), self._calls.retry, check_timeout(timeout))

    def _deadline(self, timeout: float | None) -> Deadline:
        return self._calls.deadline(check_timeout(timeout))
