from siamese_client._gen.siamese.v1 import common_pb2 as _common_pb2
from siamese_client._gen.siamese.v1 import image_pb2 as _image_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CompareRequest(_message.Message):
    __slots__ = ("image_a", "image_b", "options")
    IMAGE_A_FIELD_NUMBER: _ClassVar[int]
    IMAGE_B_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    image_a: _image_pb2.Image
    image_b: _image_pb2.Image
    options: _common_pb2.CompareOptions
    def __init__(self, image_a: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., image_b: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., options: _Optional[_Union[_common_pb2.CompareOptions, _Mapping]] = ...) -> None: ...

class CompareResponse(_message.Message):
    __slots__ = ("similarity", "same", "threshold", "model", "timings", "prepared_a_png", "prepared_b_png", "familiarity_a", "familiarity_b", "warning")
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    PREPARED_A_PNG_FIELD_NUMBER: _ClassVar[int]
    PREPARED_B_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_A_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_B_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    similarity: float
    same: bool
    threshold: float
    model: _common_pb2.ModelReference
    timings: _common_pb2.Timings
    prepared_a_png: bytes
    prepared_b_png: bytes
    familiarity_a: _common_pb2.Familiarity
    familiarity_b: _common_pb2.Familiarity
    warning: str
    def __init__(self, similarity: _Optional[float] = ..., same: bool = ..., threshold: _Optional[float] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., prepared_a_png: _Optional[bytes] = ..., prepared_b_png: _Optional[bytes] = ..., familiarity_a: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., familiarity_b: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ...) -> None: ...

class BatchCompareRequest(_message.Message):
    __slots__ = ("pairs", "options")
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    pairs: _containers.RepeatedCompositeFieldContainer[ImagePair]
    options: _common_pb2.CompareOptions
    def __init__(self, pairs: _Optional[_Iterable[_Union[ImagePair, _Mapping]]] = ..., options: _Optional[_Union[_common_pb2.CompareOptions, _Mapping]] = ...) -> None: ...

class ImagePair(_message.Message):
    __slots__ = ("image_a", "image_b")
    IMAGE_A_FIELD_NUMBER: _ClassVar[int]
    IMAGE_B_FIELD_NUMBER: _ClassVar[int]
    image_a: _image_pb2.Image
    image_b: _image_pb2.Image
    def __init__(self, image_a: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., image_b: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class BatchCompareResponse(_message.Message):
    __slots__ = ("results", "threshold", "model", "timings", "encoded_images")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    ENCODED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PairResult]
    threshold: float
    model: _common_pb2.ModelReference
    timings: _common_pb2.Timings
    encoded_images: int
    def __init__(self, results: _Optional[_Iterable[_Union[PairResult, _Mapping]]] = ..., threshold: _Optional[float] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., encoded_images: _Optional[int] = ...) -> None: ...

class PairResult(_message.Message):
    __slots__ = ("score", "error")
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    score: PairScore
    error: _common_pb2.ItemError
    def __init__(self, score: _Optional[_Union[PairScore, _Mapping]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ...) -> None: ...

class PairScore(_message.Message):
    __slots__ = ("similarity", "same", "prepared_a_png", "prepared_b_png", "familiarity_a", "familiarity_b", "warning", "model")
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    PREPARED_A_PNG_FIELD_NUMBER: _ClassVar[int]
    PREPARED_B_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_A_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_B_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    similarity: float
    same: bool
    prepared_a_png: bytes
    prepared_b_png: bytes
    familiarity_a: _common_pb2.Familiarity
    familiarity_b: _common_pb2.Familiarity
    warning: str
    model: _common_pb2.ModelReference
    def __init__(self, similarity: _Optional[float] = ..., same: bool = ..., prepared_a_png: _Optional[bytes] = ..., prepared_b_png: _Optional[bytes] = ..., familiarity_a: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., familiarity_b: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ...) -> None: ...
