"""What calls of galleries take and return: frozen dataclasses in Python's own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ._errors import SiameseError
from ._images import ImageLike
from ._results import Embedding, Familiarity, ModelReference, Timings


@dataclass(frozen=True)
class Gallery:
    """What is told of a gallery: pictures of things, kept as embeddings of one model.

    Attributes:
        name: 1 to 64 characters of a-z, 0-9, ".", "_" and "-", the first a letter or digit.
        model: the name by which calls ask for its model, such as "general".
        reference: the model whose embeddings are searched; only its digest where the
            server has another one of that name now, which ``reindex`` mends.
        entries: how many entries there are.
        stale_entries: how many of them are of another model, and so not found.
        keep_pictures: whether it keeps the bytes of pictures, for ``reindex``.
        keep_thumbnails: whether it keeps JPEG files, the longer side 160 pixels.
        created: when it was made, in UTC; None where that is not told.
        reindexing: whether a reindex is under way.

    """

    name: str
    model: str
    reference: ModelReference
    entries: int
    stale_entries: int
    keep_pictures: bool
    keep_thumbnails: bool
    created: datetime | None
    reindexing: bool


@dataclass(frozen=True)
class NewEntry:
    """An entry to enroll. One of its id is replaced, unless it is the same.

    Attributes:
        id: its name within the gallery: 1 to 256 bytes of UTF-8 without control characters.
        image: the picture, or an embedding of the gallery's model.
        thing: what it shows, at most 256 bytes of the same; empty: it is a thing by itself,
            named as the entry.
        metadata: at most 32 keys of 1 to 64 bytes, values of at most 1,024 bytes, together
            at most 8 kB.

    """

    id: str
    image: ImageLike
    thing: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A picture of a thing, as a gallery keeps it.

    Attributes:
        thing: what it shows; empty: it is a thing by itself, named as the entry.
        picture_sha256: lower-case hexadecimal SHA-256 of the picture's bytes; empty where
            it came as an embedding.
        model_digest: ``ModelReference.digest`` of the model that made its embedding.
        enrolled: when it was enrolled or last replaced, in UTC; None where that is not told.
        familiarity: how familiar the picture was to the model; None where that was not told.
        thumbnail: a JPEG file of it; empty unless asked for, and kept.
        picture: its bytes as they came, of raw pixels a PNG file; empty unless asked for,
            and kept.
        embedding: None unless asked for.

    """

    id: str
    thing: str
    metadata: Mapping[str, str]
    picture_sha256: str
    model_digest: str
    enrolled: datetime | None
    familiarity: Familiarity | None = None
    thumbnail: bytes = b""
    picture: bytes = b""
    embedding: Embedding | None = None


class EnrollStatus(Enum):
    """How an entry was kept."""

    ADDED = "added"
    """There was none of its id."""
    REPLACED = "replaced"
    """It took the place of another one."""
    UNCHANGED = "unchanged"
    """It was there already."""


@dataclass(frozen=True)
class EnrollResult:
    """What became of an entry of ``enroll_batch``.

    Attributes:
        status: how it was kept; None with an error.
        familiarity: how familiar the picture is to the model; None where that is not told.
        warning: a sentence for people where the picture is foreign to the model; else "".
        error: why it was not kept; None where it was.

    """

    status: EnrollStatus | None = None
    familiarity: Familiarity | None = None
    warning: str = ""
    error: SiameseError | None = None


@dataclass(frozen=True)
class BatchEnrollment:
    """What became of the entries of ``enroll_batch``: a result for each, in their order."""

    results: tuple[EnrollResult, ...]
    timings: Timings


@dataclass(frozen=True)
class EnrollFailure:
    """An entry that was not kept: its id, its place among the entries from 0, and why."""

    id: str
    index: int
    error: SiameseError


@dataclass(frozen=True)
class Enrollment:
    """What became of the entries of ``enroll``.

    Attributes:
        added: how many there were none of before.
        replaced: how many took the place of another one.
        unchanged: how many were there already.
        failed: how many were not kept.
        failures: those that were not kept, in their order, the first 1,000.

    """

    added: int
    replaced: int
    unchanged: int
    failed: int
    failures: tuple[EnrollFailure, ...]


@dataclass(frozen=True)
class ThingMatch:
    """A thing that an image may show.

    Attributes:
        entry: the thing's entry that is most like the image.
        similarity: that of the image and the entry, 0 to 1, as ``compare`` says it.
        same: the verdict: similarity >= threshold.

    """

    thing: str
    entry: Entry
    similarity: float
    same: bool


@dataclass(frozen=True)
class Identification:
    """The things that an image may show.

    Attributes:
        matches: the things, best first.
        threshold: what the verdicts were made with.
        model: the model that answered.
        familiarity: how familiar the image is to the model; None where it does not tell.
        warning: sentences for people where the similarities mean little, or a part of the
            gallery can't be found; empty otherwise.
        timings: where the time went.
        searched_entries: how many entries there are to search, before the filter.

    """

    matches: tuple[ThingMatch, ...]
    threshold: float
    model: ModelReference
    familiarity: Familiarity | None
    warning: str
    timings: Timings
    searched_entries: int


@dataclass(frozen=True)
class Duplicate:
    """An entry of a group, with its largest similarity to another one of it, 0 to 1."""

    entry: Entry
    similarity: float


@dataclass(frozen=True)
class DuplicateGroup:
    """Entries of which each is alike to another one.

    Attributes:
        entries: at most 1,000: first the one that is alike to the most others.
        omitted_entries: how many further ones the group has.

    """

    entries: tuple[Duplicate, ...]
    omitted_entries: int


@dataclass(frozen=True)
class DuplicatesDone:
    """The end of the groups: how many entries were looked at, how many groups there were."""

    entries: int
    groups: int


@dataclass(frozen=True)
class ReindexProgress:
    """How far a gallery's move to a model is.

    Attributes:
        encoded: entries whose embeddings are of the new model now.
        missing: entries that have no picture to encode.
        entries: those of the gallery.
        done: whether the work has ended.
        missing_ids: entries that have to be sent again, the first 1,000; told with done.

    """

    encoded: int
    missing: int
    entries: int
    done: bool
    missing_ids: tuple[str, ...] = ()
