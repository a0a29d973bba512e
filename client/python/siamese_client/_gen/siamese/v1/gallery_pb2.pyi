import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from siamese_client._gen.siamese.v1 import common_pb2 as _common_pb2
from siamese_client._gen.siamese.v1 import image_pb2 as _image_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrollStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENROLL_STATUS_UNSPECIFIED: _ClassVar[EnrollStatus]
    ENROLL_STATUS_ADDED: _ClassVar[EnrollStatus]
    ENROLL_STATUS_REPLACED: _ClassVar[EnrollStatus]
    ENROLL_STATUS_UNCHANGED: _ClassVar[EnrollStatus]
ENROLL_STATUS_UNSPECIFIED: EnrollStatus
ENROLL_STATUS_ADDED: EnrollStatus
ENROLL_STATUS_REPLACED: EnrollStatus
ENROLL_STATUS_UNCHANGED: EnrollStatus

class Gallery(_message.Message):
    __slots__ = ("name", "model", "reference", "entries", "stale_entries", "keep_pictures", "keep_thumbnails", "created", "reindexing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    STALE_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    KEEP_PICTURES_FIELD_NUMBER: _ClassVar[int]
    KEEP_THUMBNAILS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    REINDEXING_FIELD_NUMBER: _ClassVar[int]
    name: str
    model: str
    reference: _common_pb2.ModelReference
    entries: int
    stale_entries: int
    keep_pictures: bool
    keep_thumbnails: bool
    created: _timestamp_pb2.Timestamp
    reindexing: bool
    def __init__(self, name: _Optional[str] = ..., model: _Optional[str] = ..., reference: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., entries: _Optional[int] = ..., stale_entries: _Optional[int] = ..., keep_pictures: bool = ..., keep_thumbnails: bool = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reindexing: bool = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("id", "thing", "metadata", "picture_sha256", "model_digest", "enrolled", "familiarity", "thumbnail_jpeg", "picture", "embedding")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURE_SHA256_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_JPEG_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    id: str
    thing: str
    metadata: _containers.ScalarMap[str, str]
    picture_sha256: str
    model_digest: str
    enrolled: _timestamp_pb2.Timestamp
    familiarity: _common_pb2.Familiarity
    thumbnail_jpeg: bytes
    picture: bytes
    embedding: _image_pb2.Embedding
    def __init__(self, id: _Optional[str] = ..., thing: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., picture_sha256: _Optional[str] = ..., model_digest: _Optional[str] = ..., enrolled: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., thumbnail_jpeg: _Optional[bytes] = ..., picture: _Optional[bytes] = ..., embedding: _Optional[_Union[_image_pb2.Embedding, _Mapping]] = ...) -> None: ...

class CreateGalleryRequest(_message.Message):
    __slots__ = ("gallery", "model", "keep_pictures", "keep_thumbnails")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    KEEP_PICTURES_FIELD_NUMBER: _ClassVar[int]
    KEEP_THUMBNAILS_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    model: str
    keep_pictures: bool
    keep_thumbnails: bool
    def __init__(self, gallery: _Optional[str] = ..., model: _Optional[str] = ..., keep_pictures: bool = ..., keep_thumbnails: bool = ...) -> None: ...

class CreateGalleryResponse(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: Gallery
    def __init__(self, gallery: _Optional[_Union[Gallery, _Mapping]] = ...) -> None: ...

class GetGalleryRequest(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    def __init__(self, gallery: _Optional[str] = ...) -> None: ...

class GetGalleryResponse(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: Gallery
    def __init__(self, gallery: _Optional[_Union[Gallery, _Mapping]] = ...) -> None: ...

class ListGalleriesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListGalleriesResponse(_message.Message):
    __slots__ = ("galleries",)
    GALLERIES_FIELD_NUMBER: _ClassVar[int]
    galleries: _containers.RepeatedCompositeFieldContainer[Gallery]
    def __init__(self, galleries: _Optional[_Iterable[_Union[Gallery, _Mapping]]] = ...) -> None: ...

class DeleteGalleryRequest(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    def __init__(self, gallery: _Optional[str] = ...) -> None: ...

class DeleteGalleryResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: int
    def __init__(self, entries: _Optional[int] = ...) -> None: ...

class NewEntry(_message.Message):
    __slots__ = ("id", "thing", "metadata", "image")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    thing: str
    metadata: _containers.ScalarMap[str, str]
    image: _image_pb2.Image
    def __init__(self, id: _Optional[str] = ..., thing: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class EnrollRequest(_message.Message):
    __slots__ = ("gallery", "entry")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    entry: NewEntry
    def __init__(self, gallery: _Optional[str] = ..., entry: _Optional[_Union[NewEntry, _Mapping]] = ...) -> None: ...

class EnrollResponse(_message.Message):
    __slots__ = ("added", "replaced", "unchanged", "failed", "failures")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    added: int
    replaced: int
    unchanged: int
    failed: int
    failures: _containers.RepeatedCompositeFieldContainer[EnrollFailure]
    def __init__(self, added: _Optional[int] = ..., replaced: _Optional[int] = ..., unchanged: _Optional[int] = ..., failed: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[EnrollFailure, _Mapping]]] = ...) -> None: ...

class EnrollFailure(_message.Message):
    __slots__ = ("id", "index", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    index: int
    error: _common_pb2.ItemError
    def __init__(self, id: _Optional[str] = ..., index: _Optional[int] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ...) -> None: ...

class BatchEnrollRequest(_message.Message):
    __slots__ = ("gallery", "entries")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    entries: _containers.RepeatedCompositeFieldContainer[NewEntry]
    def __init__(self, gallery: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[NewEntry, _Mapping]]] = ...) -> None: ...

class BatchEnrollResponse(_message.Message):
    __slots__ = ("results", "timings")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EnrollResult]
    timings: _common_pb2.Timings
    def __init__(self, results: _Optional[_Iterable[_Union[EnrollResult, _Mapping]]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ...) -> None: ...

class EnrollResult(_message.Message):
    __slots__ = ("status", "error", "familiarity", "warning")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    status: EnrollStatus
    error: _common_pb2.ItemError
    familiarity: _common_pb2.Familiarity
    warning: str
    def __init__(self, status: _Optional[_Union[EnrollStatus, str]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ...) -> None: ...

class RemoveEntriesRequest(_message.Message):
    __slots__ = ("gallery", "ids", "things")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    THINGS_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    things: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, gallery: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ..., things: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveEntriesResponse(_message.Message):
    __slots__ = ("removed",)
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    removed: int
    def __init__(self, removed: _Optional[int] = ...) -> None: ...

class GetEntryRequest(_message.Message):
    __slots__ = ("gallery", "id", "include_thumbnail", "include_picture", "include_embedding")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PICTURE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    id: str
    include_thumbnail: bool
    include_picture: bool
    include_embedding: bool
    def __init__(self, gallery: _Optional[str] = ..., id: _Optional[str] = ..., include_thumbnail: bool = ..., include_picture: bool = ..., include_embedding: bool = ...) -> None: ...

class GetEntryResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: Entry
    def __init__(self, entry: _Optional[_Union[Entry, _Mapping]] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("gallery", "page_size", "page_token", "filter", "thing", "stale_only", "include_thumbnails")
    class FilterEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    STALE_ONLY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_THUMBNAILS_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    page_size: int
    page_token: str
    filter: _containers.ScalarMap[str, str]
    thing: str
    stale_only: bool
    include_thumbnails: bool
    def __init__(self, gallery: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Mapping[str, str]] = ..., thing: _Optional[str] = ..., stale_only: bool = ..., include_thumbnails: bool = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class IdentifyRequest(_message.Message):
    __slots__ = ("gallery", "image", "top_k", "min_similarity", "filter", "threshold", "include_thumbnails", "test_time_views")
    class FilterEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MIN_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_THUMBNAILS_FIELD_NUMBER: _ClassVar[int]
    TEST_TIME_VIEWS_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    image: _image_pb2.Image
    top_k: int
    min_similarity: float
    filter: _containers.ScalarMap[str, str]
    threshold: float
    include_thumbnails: bool
    test_time_views: int
    def __init__(self, gallery: _Optional[str] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., top_k: _Optional[int] = ..., min_similarity: _Optional[float] = ..., filter: _Optional[_Mapping[str, str]] = ..., threshold: _Optional[float] = ..., include_thumbnails: bool = ..., test_time_views: _Optional[int] = ...) -> None: ...

class IdentifyResponse(_message.Message):
    __slots__ = ("matches", "threshold", "model", "familiarity", "warning", "timings", "searched_entries")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    SEARCHED_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[Identification]
    threshold: float
    model: _common_pb2.ModelReference
    familiarity: _common_pb2.Familiarity
    warning: str
    timings: _common_pb2.Timings
    searched_entries: int
    def __init__(self, matches: _Optional[_Iterable[_Union[Identification, _Mapping]]] = ..., threshold: _Optional[float] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., searched_entries: _Optional[int] = ...) -> None: ...

class Identification(_message.Message):
    __slots__ = ("thing", "entry", "similarity", "same")
    THING_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    thing: str
    entry: Entry
    similarity: float
    same: bool
    def __init__(self, thing: _Optional[str] = ..., entry: _Optional[_Union[Entry, _Mapping]] = ..., similarity: _Optional[float] = ..., same: bool = ...) -> None: ...

class FindDuplicatesRequest(_message.Message):
    __slots__ = ("gallery", "threshold", "filter", "across_things", "include_progress")
    class FilterEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ACROSS_THINGS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    threshold: float
    filter: _containers.ScalarMap[str, str]
    across_things: bool
    include_progress: bool
    def __init__(self, gallery: _Optional[str] = ..., threshold: _Optional[float] = ..., filter: _Optional[_Mapping[str, str]] = ..., across_things: bool = ..., include_progress: bool = ...) -> None: ...

class FindDuplicatesResponse(_message.Message):
    __slots__ = ("group", "done", "progress")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    group: DuplicateGroup
    done: DuplicatesDone
    progress: DuplicatesProgress
    def __init__(self, group: _Optional[_Union[DuplicateGroup, _Mapping]] = ..., done: _Optional[_Union[DuplicatesDone, _Mapping]] = ..., progress: _Optional[_Union[DuplicatesProgress, _Mapping]] = ...) -> None: ...

class DuplicatesProgress(_message.Message):
    __slots__ = ("compared", "total")
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    compared: int
    total: int
    def __init__(self, compared: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class DuplicateGroup(_message.Message):
    __slots__ = ("entries", "omitted_entries")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    OMITTED_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[DuplicateEntry]
    omitted_entries: int
    def __init__(self, entries: _Optional[_Iterable[_Union[DuplicateEntry, _Mapping]]] = ..., omitted_entries: _Optional[int] = ...) -> None: ...

class DuplicateEntry(_message.Message):
    __slots__ = ("entry", "similarity")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    entry: Entry
    similarity: float
    def __init__(self, entry: _Optional[_Union[Entry, _Mapping]] = ..., similarity: _Optional[float] = ...) -> None: ...

class DuplicatesDone(_message.Message):
    __slots__ = ("entries", "groups")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    entries: int
    groups: int
    def __init__(self, entries: _Optional[int] = ..., groups: _Optional[int] = ...) -> None: ...

class ReindexRequest(_message.Message):
    __slots__ = ("gallery", "model")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    model: str
    def __init__(self, gallery: _Optional[str] = ..., model: _Optional[str] = ...) -> None: ...

class ReindexResponse(_message.Message):
    __slots__ = ("encoded", "missing", "entries", "done", "missing_ids")
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    MISSING_IDS_FIELD_NUMBER: _ClassVar[int]
    encoded: int
    missing: int
    entries: int
    done: bool
    missing_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, encoded: _Optional[int] = ..., missing: _Optional[int] = ..., entries: _Optional[int] = ..., done: bool = ..., missing_ids: _Optional[_Iterable[str]] = ...) -> None: ...
