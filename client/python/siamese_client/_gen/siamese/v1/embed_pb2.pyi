from siamese_client._gen.siamese.v1 import common_pb2 as _common_pb2
from siamese_client._gen.siamese.v1 import image_pb2 as _image_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EmbedRequest(_message.Message):
    __slots__ = ("images", "include_prepared", "model")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PREPARED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    include_prepared: bool
    model: str
    def __init__(self, images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., include_prepared: bool = ..., model: _Optional[str] = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ("results", "model", "timings", "encoded_images")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    ENCODED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EmbedResult]
    model: _common_pb2.ModelReference
    timings: _common_pb2.Timings
    encoded_images: int
    def __init__(self, results: _Optional[_Iterable[_Union[EmbedResult, _Mapping]]] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., encoded_images: _Optional[int] = ...) -> None: ...

class EmbedResult(_message.Message):
    __slots__ = ("embedding", "error", "prepared_png", "familiarity", "warning")
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PREPARED_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    embedding: _image_pb2.Embedding
    error: _common_pb2.ItemError
    prepared_png: bytes
    familiarity: _common_pb2.Familiarity
    warning: str
    def __init__(self, embedding: _Optional[_Union[_image_pb2.Embedding, _Mapping]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ..., prepared_png: _Optional[bytes] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ...) -> None: ...
