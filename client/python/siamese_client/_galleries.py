"""The calls of galleries, for programs without asyncio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from ._answers import Duplicates, DuplicatesReader, Reindexing, ReindexReader
from ._enroll import Sending
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


class Run(Protocol):
    """Carries out an operation: ``Client``'s own."""

    def __call__(self, operation: Operation[T], /) -> T:
        """Return what comes of it."""
        ...


class Galleries:
    """Keeps pictures of things under names, and says which of them a picture shows.

    ``Client.galleries`` is one; safe for use by many threads at once. A gallery belongs to
    one model. A server may have none (``GALLERIES_OFF``), and may let a caller only read
    some (``GALLERY_DENIED``). Where there is no gallery of a name: ``GALLERY_NOT_FOUND``.
    Each call raises :class:`SiameseError` where it fails, and takes a ``timeout``: seconds
    for all of it; None: the client's for each request, no bound for streams.
    """

    def __init__(
        self,
        stub: Any,  # GalleryServiceStub, whose methods have no types
        metadata: tuple[tuple[str, str], ...],
        calls: Calls,
        run: Run,
    ) -> None:
        self._service = stub
        self._metadata = metadata
        self._calls = calls
        self._operations = GalleryCalls(calls)
        self._run = run

    def create(
        self,
        gallery: str,
        *,
        model: str = "",
        keep_pictures: bool = False,
        keep_thumbnails: bool = False,
        timeout: float | None = None,
    ) -> Gallery:
        """Make an empty gallery, or return that of the same name and choices.

        Args:
            gallery: its name: 1 to 64 characters of a-z, 0-9, ".", "_" and "-", the first a
                letter or digit.
            model: the model that it belongs to, without version or label; "" is the
                server's default, of "auto" the first that is tried.
            keep_pictures: keep the bytes of pictures, so that ``reindex`` can encode them.
            keep_thumbnails: keep JPEG files, the longer side 160 pixels.
            timeout: as told at the class.

        Raises:
            SiameseError: ``GALLERY_EXISTS``: there is one with other choices.

        """
        request = gallery_pb2.CreateGalleryRequest(
            gallery=gallery,
            model=model,
            keep_pictures=keep_pictures,
            keep_thumbnails=keep_thumbnails,
        )
        return self._run(self._operations.create(request, self._deadline(timeout)))

    def get(self, gallery: str, *, timeout: float | None = None) -> Gallery:
        """Tell of one gallery."""
        return self._run(self._operations.get(gallery, self._deadline(timeout)))

    def list(self, *, timeout: float | None = None) -> tuple[Gallery, ...]:
        """Tell of all galleries that the caller may read, by name."""
        return self._run(self._operations.list(self._deadline(timeout)))

    def delete(self, gallery: str, *, timeout: float | None = None) -> int:
        """Remove a gallery with all that it holds; return how many entries that were."""
        return self._run(self._operations.delete(gallery, self._deadline(timeout)))

    def enroll(
        self, gallery: str, entries: Iterable[NewEntry], *, timeout: float | None = None
    ) -> Enrollment:
        """Keep any number of entries in one call, as fast as the server encodes them.

        Entries are taken, and their files read, in a thread of gRPC's. It returns when all
        are kept for good or have failed by themselves; one that fails has its place and its
        error in the failures. An entry that is there already as it is stays so: where
        this raises, some may have been kept, and all can be sent again. The call is made
        again, as others are, only until a second entry is taken.

        Raises:
            SiameseError: the call failed as a whole; also where an entry is larger than a
                message may be.
            OSError, TypeError, ValueError: an image can't be read or is none; what the
                iterable raises is raised as it is.

        """
        attempts = Attempts(self._calls.retry, Deadline(check_timeout(timeout), None))

        def begin(requests: Any, left: float | None) -> Any:
            return self._service.Enroll.future(requests, timeout=left, metadata=self._metadata)

        return Sending(begin, gallery, entries).run(attempts)

    def enroll_batch(
        self, gallery: str, entries: Iterable[NewEntry], *, timeout: float | None = None
    ) -> BatchEnrollment:
        """Keep entries and tell of each: a list over the server's limits goes in several calls.

        An entry that fails has its own error, whose field is that of the whole list; the
        others are kept for good. Where a call fails, those before it are kept: the same
        list can be sent again.

        Raises:
            SiameseError: a call failed as a whole, or no entry fits a message.
            OSError, TypeError, ValueError: an image can't be read or is none.

        """
        operation = self._operations.enroll_batch(gallery, entries, self._deadline(timeout))
        return self._run(operation)

    def remove(
        self,
        gallery: str,
        *,
        ids: Iterable[str] = (),
        things: Iterable[str] = (),
        timeout: float | None = None,
    ) -> int:
        """Remove entries by their ids, and all of some things; return how many went.

        They are at most 1,000 together. What there is none of is passed over.
        """
        operation = self._operations.remove(gallery, ids, things, self._deadline(timeout))
        return self._run(operation)

    def entry(
        self,
        gallery: str,
        id: str,
        *,
        include_thumbnail: bool = False,
        include_picture: bool = False,
        include_embedding: bool = False,
        timeout: float | None = None,
    ) -> Entry:
        """Return one entry, with its large parts where they are asked for, and kept.

        Raises:
            SiameseError: ``ENTRY_NOT_FOUND``: there is none of this id.

        """
        request = gallery_pb2.GetEntryRequest(
            gallery=gallery,
            id=id,
            include_thumbnail=include_thumbnail,
            include_picture=include_picture,
            include_embedding=include_embedding,
        )
        return self._run(self._operations.entry(request, self._deadline(timeout)))

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
    ) -> Iterator[Entry]:
        """Yield entries in the order of their ids, by bytes; pages are asked for as needed.

        Args:
            gallery: its name.
            filter: only entries that have all of these keys with these values.
            thing: only entries of this thing; "": of all.
            stale_only: only entries of another model than the gallery's.
            include_thumbnails: with thumbnails, where kept.
            page_size: how many come in a message, at most 1,000; 0: 100.
            timeout: as told at the class; it goes on while the entries are used.

        """
        deadline = self._deadline(timeout)
        request = gallery_pb2.ListEntriesRequest(
            gallery=gallery,
            filter=filter,
            thing=thing,
            stale_only=stale_only,
            include_thumbnails=include_thumbnails,
            page_size=page_size,
        )

        def pages() -> Iterator[Entry]:
            more = True
            while more:
                page, request.page_token = self._run(self._operations.page(request, deadline))
                yield from page
                more = bool(request.page_token)

        return pages()

    def identify(
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
        """Say which things of a gallery an image may show, best first.

        Args:
            gallery: its name.
            image: the picture, or an embedding of the gallery's model.
            top_k: how many things at most, up to 100; 0: 10.
            min_similarity: only things whose best entry has at least this, 0 to 1.
            filter: only entries that have all of these keys with these values.
            threshold: the similarity, 0 to 1, from which the verdict is "same"; None: the
                model's own.
            include_thumbnails: with thumbnails of the best entries, where kept.
            test_time_views: how many views of the image are scored, as in
                :meth:`siamese_client.Client.compare`.
            timeout: as told at the class.

        Raises:
            SiameseError: the call failed; ``MODEL_MISMATCH`` for another model's embedding.
            OSError, TypeError, ValueError: the image can't be read or is none.

        """
        request = gallery_pb2.IdentifyRequest(
            gallery=gallery,
            top_k=top_k,
            min_similarity=min_similarity,
            filter=filter,
            threshold=threshold,
            include_thumbnails=include_thumbnails,
            test_time_views=test_time_views,
        )
        operation = self._operations.identify(image, request, self._deadline(timeout))
        return self._run(operation)

    def duplicates(
        self,
        gallery: str,
        *,
        threshold: float | None = None,
        filter: Mapping[str, str] | None = None,
        across_things: bool = False,
        timeout: float | None = None,
    ) -> Duplicates:
        """Find groups of entries that are alike; see :class:`Duplicates`.

        Args:
            gallery: its name.
            threshold: the similarity, 0 to 1, from which two are alike; None: the model's.
            filter: only entries that have all of these keys with these values.
            across_things: only groups of more than one thing.
            timeout: as told at the class.

        """
        request = gallery_pb2.FindDuplicatesRequest(
            gallery=gallery, threshold=threshold, filter=filter, across_things=across_things
        )

        def begin(left: float | None) -> Any:
            return self._service.FindDuplicates(request, timeout=left, metadata=self._metadata)

        return Duplicates(begin, DuplicatesReader(), self._calls.retry, check_timeout(timeout))

    def reindex(self, gallery: str, *, model: str = "", timeout: float | None = None) -> Reindexing:
        """Move a gallery to its model as it is now, or to another; see :class:`Reindexing`.

        It starts the work, or joins that which is under way, when the first progress is
        taken. Entries that keep no picture have to be sent again: the last progress names
        them.
        """
        request = gallery_pb2.ReindexRequest(gallery=gallery, model=model)

        def begin(left: float | None) -> Any:
            return self._service.Reindex(request, timeout=left, metadata=self._metadata)

        return Reindexing(begin, ReindexReader(), self._calls.retry, check_timeout(timeout))

    def _deadline(self, timeout: float | None) -> Deadline:
        return self._calls.deadline(check_timeout(timeout))
