"""What a server tells of itself."""

from __future__ import annotations

from dataclasses import dataclass

from ._convert import model_reference, seconds
from ._gen.siamese.v1 import info_pb2
from ._results import ModelReference


@dataclass(frozen=True)
class ModelInfo:
    """A model that the server serves.

    Attributes:
        serving_name: the name by which calls ask for it, such as "general".
        threshold: the similarity, 0 to 1, from which the verdict is "same" by default.
        familiarity_bound: the familiarity below which an image is foreign to it; 0: it
            does not tell familiarity.
        precision: what it computes in, "float32" or "bfloat16".
        title, knows: what it is for, and what it knows, for people.

    """

    reference: ModelReference
    serving_name: str
    title: str
    knows: str
    input_height: int
    input_width: int
    embedding_length: int
    threshold: float
    familiarity_bound: float
    resize_rule: str
    device: str
    precision: str


@dataclass(frozen=True)
class Limits:
    """What the server accepts; what is over a limit is refused.

    The lists of ``batch``, ``rank`` and ``embed`` may be longer: they are split.
    Deadlines are in seconds.
    """

    max_message_bytes: int
    max_image_bytes: int
    max_image_pixels: int
    max_side_ratio: int
    max_pairs: int
    max_candidates: int
    max_images: int
    max_test_time_views: int
    max_stream_references: int
    max_stream_window: int
    max_queued_images: int
    max_streams: int
    max_calls: int
    memory_bytes: int
    default_deadline: float
    max_deadline: float
    image_formats: tuple[str, ...]


@dataclass(frozen=True)
class Access:
    """What the server asks of a caller, and what one caller may ask; 0: no bound."""

    token_needed: bool
    calls_per_second: float
    burst: int
    concurrent_calls: int


@dataclass(frozen=True)
class BuildInfo:
    """What the server was built from."""

    version: str
    revision: str
    go_version: str
    tensorflow_version: str


@dataclass(frozen=True)
class ServerInfo:
    """What a client can know before it calls.

    Attributes:
        model: the model that was asked about; of "auto" the first that is tried.
        models: those that are served, each by its default version.
        default_model: what answers calls that name no model: a serving name, or "auto".
        auto_models: among which "auto" chooses, in the order in which they are tried.

    """

    model: ModelInfo
    models: tuple[ModelInfo, ...]
    default_model: str
    auto_models: tuple[str, ...]
    limits: Limits
    access: Access
    build: BuildInfo


def server_info(reply: info_pb2.GetServerInfoResponse) -> ServerInfo:
    """Turn the contract's message into ours."""
    access, build = reply.access, reply.build
    return ServerInfo(
        model=_model_info(reply.model),
        models=tuple(map(_model_info, reply.models)),
        default_model=reply.default_model,
        auto_models=tuple(reply.auto_models),
        limits=_limits(reply.limits),
        access=Access(
            access.token_needed, access.calls_per_second, access.burst, access.concurrent_calls
        ),
        build=BuildInfo(build.version, build.revision, build.go_version, build.tensorflow_version),
    )


def _model_info(model: info_pb2.ModelInfo) -> ModelInfo:
    return ModelInfo(
        reference=model_reference(model.reference),
        serving_name=model.serving_name,
        title=model.title,
        knows=model.knows,
        input_height=model.input_height,
        input_width=model.input_width,
        embedding_length=model.embedding_length,
        threshold=model.threshold,
        familiarity_bound=model.familiarity_bound,
        resize_rule=model.resize_rule,
        device=model.device,
        precision=model.precision,
    )


def _limits(limits: info_pb2.Limits) -> Limits:
    return Limits(
        max_message_bytes=limits.max_message_bytes,
        max_image_bytes=limits.max_image_bytes,
        max_image_pixels=limits.max_image_pixels,
        max_side_ratio=limits.max_side_ratio,
        max_pairs=limits.max_pairs,
        max_candidates=limits.max_candidates,
        max_images=limits.max_images,
        max_test_time_views=limits.max_test_time_views,
        max_stream_references=limits.max_stream_references,
        max_stream_window=limits.max_stream_window,
        max_queued_images=limits.max_queued_images,
        max_streams=limits.max_streams,
        max_calls=limits.max_calls,
        memory_bytes=limits.memory_bytes,
        default_deadline=seconds(limits.default_deadline),
        max_deadline=seconds(limits.max_deadline),
        image_formats=tuple(limits.image_formats),
    )
