import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from siamese_client._gen.siamese.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("model", "limits", "build", "access", "models", "default_model", "auto_models", "galleries")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_MODEL_FIELD_NUMBER: _ClassVar[int]
    AUTO_MODELS_FIELD_NUMBER: _ClassVar[int]
    GALLERIES_FIELD_NUMBER: _ClassVar[int]
    model: ModelInfo
    limits: Limits
    build: BuildInfo
    access: Access
    models: _containers.RepeatedCompositeFieldContainer[ModelInfo]
    default_model: str
    auto_models: _containers.RepeatedScalarFieldContainer[str]
    galleries: bool
    def __init__(self, model: _Optional[_Union[ModelInfo, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., build: _Optional[_Union[BuildInfo, _Mapping]] = ..., access: _Optional[_Union[Access, _Mapping]] = ..., models: _Optional[_Iterable[_Union[ModelInfo, _Mapping]]] = ..., default_model: _Optional[str] = ..., auto_models: _Optional[_Iterable[str]] = ..., galleries: bool = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("reference", "input_height", "input_width", "embedding_length", "threshold", "resize_rule", "device", "precision", "serving_name", "title", "knows", "familiarity_bound")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    INPUT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    INPUT_WIDTH_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_LENGTH_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    RESIZE_RULE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SERVING_NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    KNOWS_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_BOUND_FIELD_NUMBER: _ClassVar[int]
    reference: _common_pb2.ModelReference
    input_height: int
    input_width: int
    embedding_length: int
    threshold: float
    resize_rule: str
    device: str
    precision: str
    serving_name: str
    title: str
    knows: str
    familiarity_bound: float
    def __init__(self, reference: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., input_height: _Optional[int] = ..., input_width: _Optional[int] = ..., embedding_length: _Optional[int] = ..., threshold: _Optional[float] = ..., resize_rule: _Optional[str] = ..., device: _Optional[str] = ..., precision: _Optional[str] = ..., serving_name: _Optional[str] = ..., title: _Optional[str] = ..., knows: _Optional[str] = ..., familiarity_bound: _Optional[float] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_image_bytes", "max_image_pixels", "max_side_ratio", "max_pairs", "max_candidates", "max_images", "max_stream_references", "max_stream_window", "max_pixels_in_flight", "max_queued_images", "default_deadline", "image_formats", "max_streams", "max_calls", "memory_bytes", "max_deadline", "max_test_time_views")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_SIDE_RATIO_FIELD_NUMBER: _ClassVar[int]
    MAX_PAIRS_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGES_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAM_REFERENCES_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAM_WINDOW_FIELD_NUMBER: _ClassVar[int]
    MAX_PIXELS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_QUEUED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FORMATS_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    MAX_TEST_TIME_VIEWS_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_image_bytes: int
    max_image_pixels: int
    max_side_ratio: int
    max_pairs: int
    max_candidates: int
    max_images: int
    max_stream_references: int
    max_stream_window: int
    max_pixels_in_flight: int
    max_queued_images: int
    default_deadline: _duration_pb2.Duration
    image_formats: _containers.RepeatedScalarFieldContainer[str]
    max_streams: int
    max_calls: int
    memory_bytes: int
    max_deadline: _duration_pb2.Duration
    max_test_time_views: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_image_bytes: _Optional[int] = ..., max_image_pixels: _Optional[int] = ..., max_side_ratio: _Optional[int] = ..., max_pairs: _Optional[int] = ..., max_candidates: _Optional[int] = ..., max_images: _Optional[int] = ..., max_stream_references: _Optional[int] = ..., max_stream_window: _Optional[int] = ..., max_pixels_in_flight: _Optional[int] = ..., max_queued_images: _Optional[int] = ..., default_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., image_formats: _Optional[_Iterable[str]] = ..., max_streams: _Optional[int] = ..., max_calls: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., max_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_test_time_views: _Optional[int] = ...) -> None: ...

class Access(_message.Message):
    __slots__ = ("token_needed", "calls_per_second", "burst", "concurrent_calls")
    TOKEN_NEEDED_FIELD_NUMBER: _ClassVar[int]
    CALLS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_CALLS_FIELD_NUMBER: _ClassVar[int]
    token_needed: bool
    calls_per_second: float
    burst: int
    concurrent_calls: int
    def __init__(self, token_needed: bool = ..., calls_per_second: _Optional[float] = ..., burst: _Optional[int] = ..., concurrent_calls: _Optional[int] = ...) -> None: ...

class BuildInfo(_message.Message):
    __slots__ = ("version", "revision", "go_version", "tensorflow_version")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    GO_VERSION_FIELD_NUMBER: _ClassVar[int]
    TENSORFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    revision: str
    go_version: str
    tensorflow_version: str
    def __init__(self, version: _Optional[str] = ..., revision: _Optional[str] = ..., go_version: _Optional[str] = ..., tensorflow_version: _Optional[str] = ...) -> None: ...
