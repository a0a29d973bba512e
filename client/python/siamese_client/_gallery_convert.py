"""The contract's messages of galleries made from arguments, and turned into results."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from . import _convert
from ._errors import from_item, unexpected
from ._gallery_results import (
    Duplicate,
    DuplicateGroup,
    DuplicatesDone,
    EnrollFailure,
    Enrollment,
    EnrollResult,
    EnrollStatus,
    Entry,
    Gallery,
    Identification,
    NewEntry,
    ReindexProgress,
    ThingMatch,
)
from ._gen.siamese.v1 import gallery_pb2
from ._images import to_proto
from ._results import Embedding

_STATUSES = {
    gallery_pb2.ENROLL_STATUS_ADDED: EnrollStatus.ADDED,
    gallery_pb2.ENROLL_STATUS_REPLACED: EnrollStatus.REPLACED,
    gallery_pb2.ENROLL_STATUS_UNCHANGED: EnrollStatus.UNCHANGED,
}


def new_entry(new: NewEntry) -> gallery_pb2.NewEntry:
    """Turn an entry into the contract's message; a picture's file is read.

    Raises:
        TypeError, ValueError: it, or its picture, is nothing that is taken.
        OSError: its picture's file can't be read.

    """
    if not isinstance(new, NewEntry):
        raise TypeError(f"received a {type(new).__name__} as an entry, expected a NewEntry")
    image = to_proto(new.image)
    return gallery_pb2.NewEntry(id=new.id, thing=new.thing, metadata=new.metadata, image=image)


def gallery(message: gallery_pb2.Gallery) -> Gallery:
    """Turn what is told of a gallery into ours."""
    return Gallery(
        name=message.name,
        model=message.model,
        reference=_convert.model_reference(message.reference),
        entries=message.entries,
        stale_entries=message.stale_entries,
        keep_pictures=message.keep_pictures,
        keep_thumbnails=message.keep_thumbnails,
        created=_time(message, "created"),
        reindexing=message.reindexing,
    )


def entry(message: gallery_pb2.Entry) -> Entry:
    """Turn an entry into ours."""
    embedding = message.embedding
    return Entry(
        id=message.id,
        thing=message.thing,
        metadata=dict(message.metadata),
        picture_sha256=message.picture_sha256,
        model_digest=message.model_digest,
        enrolled=_time(message, "enrolled"),
        familiarity=_convert.familiarity(message.HasField("familiarity"), message.familiarity),
        thumbnail=message.thumbnail_jpeg,
        picture=message.picture,
        embedding=Embedding(tuple(embedding.values), embedding.model_digest)
        if message.HasField("embedding")
        else None,
    )


def enroll_result(result: gallery_pb2.EnrollResult, rename: _convert.Rename) -> EnrollResult:
    """Turn what became of an entry of a list into ours."""
    status = _STATUSES.get(result.status)
    if status is None:
        return EnrollResult(error=rename(from_item(result.error)))
    return EnrollResult(
        status=status,
        familiarity=_convert.familiarity(result.HasField("familiarity"), result.familiarity),
        warning=result.warning,
    )


def enrollment(reply: gallery_pb2.EnrollResponse) -> Enrollment:
    """Turn what became of a stream's entries into ours."""
    return Enrollment(
        added=reply.added,
        replaced=reply.replaced,
        unchanged=reply.unchanged,
        failed=reply.failed,
        failures=tuple(
            EnrollFailure(failed.id, failed.index, from_item(failed.error))
            for failed in reply.failures
        ),
    )


def identification(reply: gallery_pb2.IdentifyResponse) -> Identification:
    """Turn the answer to Identify into ours."""
    return Identification(
        matches=tuple(
            ThingMatch(match.thing, entry(match.entry), match.similarity, match.same)
            for match in reply.matches
        ),
        threshold=reply.threshold,
        model=_convert.model_reference(reply.model),
        familiarity=_convert.familiarity(reply.HasField("familiarity"), reply.familiarity),
        warning=reply.warning,
        timings=_convert.timings(reply.timings),
        searched_entries=reply.searched_entries,
    )


def duplicates(reply: gallery_pb2.FindDuplicatesResponse) -> DuplicateGroup | DuplicatesDone:
    """Turn a message of FindDuplicates into ours."""
    event = reply.WhichOneof("event")
    if event == "done":
        return DuplicatesDone(reply.done.entries, reply.done.groups)
    if event != "group":
        raise unexpected("a message with nothing in it", "a group of duplicates, or their end")
    return DuplicateGroup(
        tuple(Duplicate(entry(one.entry), one.similarity) for one in reply.group.entries),
        reply.group.omitted_entries,
    )


def progress(reply: gallery_pb2.ReindexResponse) -> ReindexProgress:
    """Turn a message of Reindex into ours."""
    return ReindexProgress(
        reply.encoded, reply.missing, reply.entries, reply.done, tuple(reply.missing_ids)
    )


def _time(message: Any, field: str) -> datetime | None:
    """Return a time of a message in UTC; None where it is not set."""
    return getattr(message, field).ToDatetime(timezone.utc) if message.HasField(field) else None
