"""The contract's messages turned into results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from google.protobuf import duration_pb2

from ._errors import SiameseError, from_item
from ._gen.siamese.v1 import common_pb2, compare_pb2, embed_pb2, rank_pb2, stream_pb2
from ._results import (
    Comparison,
    Embedding,
    EmbedResult,
    Familiarity,
    ModelReference,
    PairResult,
    RankedCandidate,
    ReferenceResult,
    ReferenceScore,
    Timings,
)

# Turns the error of an item into one that names the item as the caller knows it.
Rename = Callable[[SiameseError], SiameseError]


def seconds(duration: duration_pb2.Duration) -> float:
    """Turn a duration into seconds."""
    return duration.seconds + duration.nanos / 1e9


def model_reference(model: common_pb2.ModelReference) -> ModelReference:
    """Turn a model's name, version and digest into ours."""
    return ModelReference(model.name, model.version, model.digest)


def answered_by(own: common_pb2.ModelReference, whole: ModelReference) -> ModelReference:
    """Name the model of one item: its own, where it is another than the reply's."""
    return model_reference(own) if own.name else whole


def timings(message: common_pb2.Timings) -> Timings:
    """Turn timings into seconds."""
    return Timings(
        decode=seconds(message.decode),
        queue=seconds(message.queue),
        encode=seconds(message.encode),
        compare=seconds(message.compare),
        total=seconds(message.total),
    )


def sum_of(parts: Iterable[Timings]) -> Timings:
    """Add up the timings of the calls that a list went in."""
    each = list(parts)
    return Timings(
        decode=sum(t.decode for t in each),
        queue=sum(t.queue for t in each),
        encode=sum(t.encode for t in each),
        compare=sum(t.compare for t in each),
        total=sum(t.total for t in each),
    )


def familiarity(set_: bool, message: common_pb2.Familiarity) -> Familiarity | None:
    """Turn a familiarity into ours; None where the server set none."""
    return Familiarity(message.value, message.foreign) if set_ else None


def comparison(reply: compare_pb2.CompareResponse) -> Comparison:
    """Turn the answer to Compare into ours."""
    return Comparison(
        similarity=reply.similarity,
        same=reply.same,
        threshold=reply.threshold,
        model=model_reference(reply.model),
        familiarity_a=familiarity(reply.HasField("familiarity_a"), reply.familiarity_a),
        familiarity_b=familiarity(reply.HasField("familiarity_b"), reply.familiarity_b),
        warning=reply.warning,
        prepared_a=reply.prepared_a_png,
        prepared_b=reply.prepared_b_png,
        timings=timings(reply.timings),
    )


def pair_result(
    result: compare_pb2.PairResult, model: ModelReference, rename: Rename
) -> PairResult:
    """Turn what became of a pair into ours; model is the reply's."""
    if result.WhichOneof("outcome") != "score":
        return PairResult(error=rename(from_item(result.error)))
    score = result.score
    return PairResult(
        similarity=score.similarity,
        same=score.same,
        model=answered_by(score.model, model),
        familiarity_a=familiarity(score.HasField("familiarity_a"), score.familiarity_a),
        familiarity_b=familiarity(score.HasField("familiarity_b"), score.familiarity_b),
        warning=score.warning,
        prepared_a=score.prepared_a_png,
        prepared_b=score.prepared_b_png,
    )


def ranked_candidate(
    candidate: rank_pb2.RankedCandidate, index: int, model: ModelReference
) -> RankedCandidate:
    """Turn a candidate into ours; index is its place in the caller's list."""
    return RankedCandidate(
        index=index,
        similarity=candidate.similarity,
        same=candidate.same,
        model=answered_by(candidate.model, model),
        familiarity=familiarity(candidate.HasField("familiarity"), candidate.familiarity),
        warning=candidate.warning,
        prepared=candidate.prepared_png,
    )


def embed_result(result: embed_pb2.EmbedResult, rename: Rename) -> EmbedResult:
    """Turn what became of an image into ours."""
    if result.WhichOneof("outcome") != "embedding":
        return EmbedResult(error=rename(from_item(result.error)))
    return EmbedResult(
        embedding=Embedding(tuple(result.embedding.values), result.embedding.model_digest),
        familiarity=familiarity(result.HasField("familiarity"), result.familiarity),
        warning=result.warning,
        prepared=result.prepared_png,
    )


def reference_result(message: stream_pb2.ReferenceSet) -> ReferenceResult:
    """Turn the news that a reference is stored into ours."""
    return ReferenceResult(
        name=message.name,
        familiarity=familiarity(message.HasField("familiarity"), message.familiarity),
        warning=message.warning,
        prepared=message.prepared_png,
    )


def reference_score(score: stream_pb2.ReferenceScore, model: ModelReference) -> ReferenceScore:
    """Turn a score of a frame into ours; model is the stream's."""
    return ReferenceScore(
        reference=score.reference,
        similarity=score.similarity,
        same=score.same,
        model=answered_by(score.model, model),
        foreign=score.foreign,
    )
