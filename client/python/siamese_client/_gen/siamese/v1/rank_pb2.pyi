from siamese_client._gen.siamese.v1 import common_pb2 as _common_pb2
from siamese_client._gen.siamese.v1 import image_pb2 as _image_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RankRequest(_message.Message):
    __slots__ = ("query", "candidates", "top_k", "min_similarity", "options")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MIN_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    query: _image_pb2.Image
    candidates: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    top_k: int
    min_similarity: float
    options: _common_pb2.CompareOptions
    def __init__(self, query: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., top_k: _Optional[int] = ..., min_similarity: _Optional[float] = ..., options: _Optional[_Union[_common_pb2.CompareOptions, _Mapping]] = ...) -> None: ...

class RankResponse(_message.Message):
    __slots__ = ("ranked", "errors", "threshold", "model", "timings", "encoded_images", "prepared_query_png", "familiarity", "warning")
    RANKED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    ENCODED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    PREPARED_QUERY_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    ranked: _containers.RepeatedCompositeFieldContainer[RankedCandidate]
    errors: _containers.RepeatedCompositeFieldContainer[CandidateError]
    threshold: float
    model: _common_pb2.ModelReference
    timings: _common_pb2.Timings
    encoded_images: int
    prepared_query_png: bytes
    familiarity: _common_pb2.Familiarity
    warning: str
    def __init__(self, ranked: _Optional[_Iterable[_Union[RankedCandidate, _Mapping]]] = ..., errors: _Optional[_Iterable[_Union[CandidateError, _Mapping]]] = ..., threshold: _Optional[float] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., encoded_images: _Optional[int] = ..., prepared_query_png: _Optional[bytes] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ...) -> None: ...

class RankedCandidate(_message.Message):
    __slots__ = ("index", "similarity", "same", "prepared_png", "familiarity", "warning", "model")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    PREPARED_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    index: int
    similarity: float
    same: bool
    prepared_png: bytes
    familiarity: _common_pb2.Familiarity
    warning: str
    model: _common_pb2.ModelReference
    def __init__(self, index: _Optional[int] = ..., similarity: _Optional[float] = ..., same: bool = ..., prepared_png: _Optional[bytes] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ...) -> None: ...

class CandidateError(_message.Message):
    __slots__ = ("index", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    error: _common_pb2.ItemError
    def __init__(self, index: _Optional[int] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ...) -> None: ...
