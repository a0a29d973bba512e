import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from siamese_client._gen.siamese.v1 import common_pb2 as _common_pb2
from siamese_client._gen.siamese.v1 import compare_pb2 as _compare_pb2
from siamese_client._gen.siamese.v1 import image_pb2 as _image_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DropPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DROP_POLICY_UNSPECIFIED: _ClassVar[DropPolicy]
    DROP_POLICY_NONE: _ClassVar[DropPolicy]
    DROP_POLICY_LATEST: _ClassVar[DropPolicy]
DROP_POLICY_UNSPECIFIED: DropPolicy
DROP_POLICY_NONE: DropPolicy
DROP_POLICY_LATEST: DropPolicy

class StreamCompareRequest(_message.Message):
    __slots__ = ("opening", "set_reference", "drop_reference", "frame", "pair")
    OPENING_FIELD_NUMBER: _ClassVar[int]
    SET_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    DROP_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PAIR_FIELD_NUMBER: _ClassVar[int]
    opening: StreamOpening
    set_reference: SetReference
    drop_reference: DropReference
    frame: Frame
    pair: FramePair
    def __init__(self, opening: _Optional[_Union[StreamOpening, _Mapping]] = ..., set_reference: _Optional[_Union[SetReference, _Mapping]] = ..., drop_reference: _Optional[_Union[DropReference, _Mapping]] = ..., frame: _Optional[_Union[Frame, _Mapping]] = ..., pair: _Optional[_Union[FramePair, _Mapping]] = ...) -> None: ...

class StreamOpening(_message.Message):
    __slots__ = ("window", "drop_policy", "options", "references")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    DROP_POLICY_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    window: int
    drop_policy: DropPolicy
    options: _common_pb2.CompareOptions
    references: _containers.RepeatedCompositeFieldContainer[SetReference]
    def __init__(self, window: _Optional[int] = ..., drop_policy: _Optional[_Union[DropPolicy, str]] = ..., options: _Optional[_Union[_common_pb2.CompareOptions, _Mapping]] = ..., references: _Optional[_Iterable[_Union[SetReference, _Mapping]]] = ...) -> None: ...

class SetReference(_message.Message):
    __slots__ = ("name", "image")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    image: _image_pb2.Image
    def __init__(self, name: _Optional[str] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class DropReference(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("id", "captured_at", "image", "references")
    ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    id: int
    captured_at: _timestamp_pb2.Timestamp
    image: _image_pb2.Image
    references: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[int] = ..., captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., references: _Optional[_Iterable[str]] = ...) -> None: ...

class FramePair(_message.Message):
    __slots__ = ("id", "captured_at", "image_a", "image_b")
    ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_A_FIELD_NUMBER: _ClassVar[int]
    IMAGE_B_FIELD_NUMBER: _ClassVar[int]
    id: int
    captured_at: _timestamp_pb2.Timestamp
    image_a: _image_pb2.Image
    image_b: _image_pb2.Image
    def __init__(self, id: _Optional[int] = ..., captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., image_a: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., image_b: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class StreamCompareResponse(_message.Message):
    __slots__ = ("opened", "reference_set", "reference_dropped", "frame_scored", "pair_scored", "frames_dropped", "item_failed", "draining")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_SET_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_DROPPED_FIELD_NUMBER: _ClassVar[int]
    FRAME_SCORED_FIELD_NUMBER: _ClassVar[int]
    PAIR_SCORED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    ITEM_FAILED_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    opened: StreamOpened
    reference_set: ReferenceSet
    reference_dropped: ReferenceDropped
    frame_scored: FrameScored
    pair_scored: PairScored
    frames_dropped: FramesDropped
    item_failed: ItemFailed
    draining: Draining
    def __init__(self, opened: _Optional[_Union[StreamOpened, _Mapping]] = ..., reference_set: _Optional[_Union[ReferenceSet, _Mapping]] = ..., reference_dropped: _Optional[_Union[ReferenceDropped, _Mapping]] = ..., frame_scored: _Optional[_Union[FrameScored, _Mapping]] = ..., pair_scored: _Optional[_Union[PairScored, _Mapping]] = ..., frames_dropped: _Optional[_Union[FramesDropped, _Mapping]] = ..., item_failed: _Optional[_Union[ItemFailed, _Mapping]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class StreamOpened(_message.Message):
    __slots__ = ("window", "max_references", "threshold", "model")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    MAX_REFERENCES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    window: int
    max_references: int
    threshold: float
    model: _common_pb2.ModelReference
    def __init__(self, window: _Optional[int] = ..., max_references: _Optional[int] = ..., threshold: _Optional[float] = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ...) -> None: ...

class ReferenceSet(_message.Message):
    __slots__ = ("name", "prepared_png", "familiarity", "warning")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PREPARED_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    name: str
    prepared_png: bytes
    familiarity: _common_pb2.Familiarity
    warning: str
    def __init__(self, name: _Optional[str] = ..., prepared_png: _Optional[bytes] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ...) -> None: ...

class ReferenceDropped(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class FrameScored(_message.Message):
    __slots__ = ("id", "captured_at", "scores", "timings", "prepared_png", "familiarity", "warning")
    ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    PREPARED_PNG_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    id: int
    captured_at: _timestamp_pb2.Timestamp
    scores: _containers.RepeatedCompositeFieldContainer[ReferenceScore]
    timings: _common_pb2.Timings
    prepared_png: bytes
    familiarity: _common_pb2.Familiarity
    warning: str
    def __init__(self, id: _Optional[int] = ..., captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scores: _Optional[_Iterable[_Union[ReferenceScore, _Mapping]]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., prepared_png: _Optional[bytes] = ..., familiarity: _Optional[_Union[_common_pb2.Familiarity, _Mapping]] = ..., warning: _Optional[str] = ...) -> None: ...

class ReferenceScore(_message.Message):
    __slots__ = ("reference", "similarity", "same", "model", "foreign")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FOREIGN_FIELD_NUMBER: _ClassVar[int]
    reference: str
    similarity: float
    same: bool
    model: _common_pb2.ModelReference
    foreign: bool
    def __init__(self, reference: _Optional[str] = ..., similarity: _Optional[float] = ..., same: bool = ..., model: _Optional[_Union[_common_pb2.ModelReference, _Mapping]] = ..., foreign: bool = ...) -> None: ...

class PairScored(_message.Message):
    __slots__ = ("id", "captured_at", "score", "timings")
    ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    id: int
    captured_at: _timestamp_pb2.Timestamp
    score: _compare_pb2.PairScore
    timings: _common_pb2.Timings
    def __init__(self, id: _Optional[int] = ..., captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., score: _Optional[_Union[_compare_pb2.PairScore, _Mapping]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ...) -> None: ...

class FramesDropped(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ItemFailed(_message.Message):
    __slots__ = ("id", "reference", "captured_at", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    reference: str
    captured_at: _timestamp_pb2.Timestamp
    error: _common_pb2.ItemError
    def __init__(self, id: _Optional[int] = ..., reference: _Optional[str] = ..., captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ...) -> None: ...

class Draining(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
